"""Stored text of attribute values, of both encodings."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from collectors.otlp.anyvalue import MAX_DEPTH, TOO_DEEP, json_map, json_text, proto_map, proto_text
from collectors.otlp.rejections import BadItemError


def array(*values: AnyValue) -> AnyValue:
    return AnyValue(array_value=ArrayValue(values=values))


def kvlist(*pairs: tuple[str, AnyValue]) -> AnyValue:
    return AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in pairs]))


TEXT, ONE, EMPTY = AnyValue(string_value="a"), AnyValue(int_value=1), AnyValue()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(AnyValue(string_value="12"), "12", id="string-as-is"),
        pytest.param(AnyValue(string_value=""), "", id="empty-string-is-not-null"),
        pytest.param(AnyValue(string_value="a\0b"), "a\0b", id="nul-is-kept"),
        pytest.param(AnyValue(bool_value=True), "true", id="true"),
        pytest.param(AnyValue(bool_value=False), "false", id="false"),
        pytest.param(AnyValue(int_value=0), "0", id="zero"),
        pytest.param(AnyValue(int_value=-(2**63)), "-9223372036854775808", id="smallest-int"),
        pytest.param(AnyValue(double_value=1.0), "1.0", id="whole-double"),
        pytest.param(AnyValue(double_value=0.1), "0.1", id="double"),
        pytest.param(AnyValue(double_value=math.nan), "NaN", id="nan"),
        pytest.param(AnyValue(double_value=math.inf), "Infinity", id="infinity"),
        pytest.param(AnyValue(double_value=-math.inf), "-Infinity", id="minus-infinity"),
        pytest.param(AnyValue(bytes_value=b"\xfb\xff"), "+/8=", id="bytes-as-base64"),
        pytest.param(AnyValue(), None, id="empty-is-null"),
        pytest.param(AnyValue(string_value_strindex=3), None, id="strindex-is-absent"),
        pytest.param(array(), "[]", id="empty-array"),
        pytest.param(array(TEXT, ONE, EMPTY), '["a",1,null]', id="array"),
        pytest.param(
            array(AnyValue(double_value=math.nan), AnyValue(double_value=2.0)), '["NaN",2.0]', id="nan-inside"
        ),
        pytest.param(array(AnyValue(bytes_value=b"\xfb\xff")), '["+/8="]', id="bytes-inside"),
        pytest.param(kvlist(), "{}", id="empty-kvlist"),
        pytest.param(kvlist(("k", array(AnyValue(bool_value=True)))), '{"k":[true]}', id="nested"),
        pytest.param(kvlist(("k", ONE), ("k", TEXT)), '{"k":"a"}', id="last-key-wins"),
    ],
)
def test_text(value: AnyValue, expected: str | None) -> None:
    assert proto_text(value) == expected
    assert json_text(json_format.MessageToDict(value)) == expected


@pytest.mark.parametrize("wrap", [array, lambda value: kvlist(("k", value))], ids=["arrays", "kvlists"])
def test_nests_are_cut_at_one_depth_in_both_encodings(wrap: Any) -> None:
    value = AnyValue(string_value="core")
    for _ in range(MAX_DEPTH):
        value = wrap(value)
    assert "core" in (proto_text(value) or "")
    deeper = wrap(value)
    assert TOO_DEEP in (proto_text(deeper) or "")
    assert "core" not in (proto_text(deeper) or "")
    assert json_text(json_format.MessageToDict(deeper)) == proto_text(deeper)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"intValue": 5}, "5", id="int-as-number"),
        pytest.param({"intValue": "5"}, "5", id="int-as-string"),
        pytest.param({"intValue": 1e3}, "1000", id="int-as-whole-float"),
        pytest.param({"doubleValue": 1}, "1.0", id="double-written-as-int"),
        pytest.param({"doubleValue": "1.5"}, "1.5", id="double-as-string"),
        pytest.param({"doubleValue": "Infinity"}, "Infinity", id="infinity-by-name"),
        pytest.param({"doubleValue": float("nan")}, "NaN", id="nan-literal"),
        pytest.param({"bytesValue": "-_8"}, "+/8=", id="base64-url-safe-without-padding"),
        pytest.param({"stringValue": None}, None, id="null-member-is-absent"),
        pytest.param(None, None, id="null"),
        pytest.param({"newValue": 5}, None, id="unknown-member"),
        pytest.param({"string_value": "a"}, None, id="only-lower-camel-case"),
        pytest.param({"intValue": 5, "stringValue": "a"}, "a", id="last-of-several-members"),
        pytest.param({"arrayValue": {}}, "[]", id="array-without-values"),
        pytest.param({"arrayValue": {"values": None}}, "[]", id="null-list"),
    ],
)
def test_json_forms(value: object, expected: str | None) -> None:
    assert json_text(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "a", 5, [], {"stringValue": 5}, {"intValue": "five"}, {"intValue": ""}, {"intValue": "1_0"}, {"intValue": 1.5},
        {"intValue": 2**63}, {"intValue": True}, {"intValue": "9" * 5000}, {"doubleValue": " 1"}, {"doubleValue": True},
        {"doubleValue": "nan"}, {"doubleValue": 10**400}, {"boolValue": "true"}, {"boolValue": 1}, {"bytesValue": "a"},
        {"bytesValue": "%%%%"}, {"arrayValue": []}, {"arrayValue": {"values": {}}}, {"kvlistValue": {"values": [5]}},
        {"arrayValue": {"values": [5]}}, {"kvlistValue": {"values": [{"key": 5}]}},
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_json_is_a_bad_item_and_nothing_else(value: object) -> None:
    with pytest.raises(BadItemError):
        json_text(value)


def test_last_of_repeated_keys_wins() -> None:
    pairs = [KeyValue(key="k", value=ONE), KeyValue(key="k", value=TEXT), KeyValue(key="l")]
    assert proto_map(pairs) == {"k": "a", "l": None}
    assert json_map([json_format.MessageToDict(pair) for pair in pairs]) == {"k": "a", "l": None}


scalars = st.one_of(
    st.builds(AnyValue),
    st.builds(AnyValue, string_value=st.text()),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, double_value=st.floats()),
    st.builds(AnyValue, bytes_value=st.binary()),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner).map(lambda each: array(*each)),
        st.lists(st.tuples(st.text(), inner)).map(lambda each: kvlist(*each)),
    ),
    max_leaves=12,
)


@given(values)
def test_both_encodings_give_one_text(value: AnyValue) -> None:
    text = proto_text(value)
    assert json_text(orjson.loads(orjson.dumps(json_format.MessageToDict(value)))) == text
    if value.WhichOneof("value") in {"array_value", "kvlist_value"}:
        assert text is not None
        orjson.loads(text)
