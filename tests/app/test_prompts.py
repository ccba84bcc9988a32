"""The page Prompts, over a real server: the list, one prompt, its versions compared, labels, the editor, files."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import prompt_edit, prompt_exchange, prompt_labels, prompt_words, prompts

CHAT = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{ question }}"}]


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], telling: Any, hostile: str) -> Any:
    served = serve("prompted")
    with served.client() as client:
        client.set_prompt("shop/answer", {"messages": CHAT}, note="first", tags=["shop"], author="ada")
        better = [{"role": "system", "content": "Be very kind."}, CHAT[1]]
        client.set_prompt("shop/answer", {"messages": better, "parameters": {"temperature": 0}}, note="warmer")
        client.move_label("shop/answer", "production", 1, protected=True, reason="the launch")
        client.set_prompt(
            "hostile", {"text": f"{hostile} </div><script>alert(1)</script>"}, note=hostile, author=hostile
        )
    start = time.time_ns() - 60_000_000_000
    for number in range(4):
        stamped = {"gen_ai__prompt__name": "shop/answer", "gen_ai__prompt__version": str(1 + number // 3)}
        call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o",
                "gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 100}  # fmt: skip
        served.send(
            telling(bytes([12]) * 15 + bytes([number]), start).span(1, "chat", 0, 900, **call, **stamped).body()
        )
    served.settle()
    return served


@pytest.fixture
def visit(page: Callable[..., AppTest], served: Any) -> Callable[..., AppTest]:
    def opened(**query: str) -> AppTest:
        found = page(served.note.api_url, "prompts", **query)
        assert not found.exception, found.exception
        return found

    return opened


def said(page: AppTest) -> str:
    parts = (part for kind in ("markdown", "caption", "text") for part in page.get(kind))
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def html(page: AppTest) -> str:
    return "\n".join(part.proto.body for part in page.get("html"))


def test_without_prompts_it_says_how_to_make_one(page: Callable[..., AppTest], empty_url: str) -> None:
    found = page(empty_url, "prompts")
    assert "Prompts would be listed here" in said(found)
    assert "from a template or empty" in said(found)


def test_the_list(visit: Callable[..., AppTest], listed: Callable[..., Any], hostile: str) -> None:
    found = visit()
    rows = {row["Prompt"]: row for row in listed(found, "Prompts")}
    row = rows["shop/answer"]
    assert (row["Newest"], row["Labels"], row["Calls"], row["Note"]) == ("2", "production 1", "4", "warmer")
    assert row["Cost"] == "$0.0140"  # 4 calls of 1,000 and 100 tokens of gpt-4o: $2.50 and $10 a million
    assert row["href"] == "prompts?prompt_name=shop%2Fanswer"
    assert rows["hostile"]["Calls"] == "0"
    assert "2 prompts, 1 with a version in production; traffic carries 1 of them." in said(found)
    assert hostile not in "\n".join(str(part.value) for part in found.markdown)


@pytest.mark.parametrize(
    ("told", "first", "names"),
    [
        pytest.param(None, 0, range(50), id="first"), pytest.param("2", 50, range(50, 52), id="second"),
        pytest.param("9", 50, range(50, 52), id="beyond"), pytest.param("x", 0, range(50), id="none"),
    ],
)  # fmt: skip
def test_a_long_list_has_pages(told: str | None, first: int, names: range) -> None:
    every = [{"name": number} for number in range(52)]
    assert prompts.page_of(every, told) == (first, [{"name": number} for number in names])


def test_the_download_has_exact_values() -> None:
    one = {"name": "a", "version": 2, "tags": ["x"], "labels": {"production": 1}, "set_at": "2026-11-27T22:51:07Z",
           "author": None, "note": "n"}  # fmt: skip
    used = {"a": {"calls": 4, "cost_usd": 0.0140001, "unpriced": 1}}
    row = prompts.frame([one], used).iloc[0]
    assert (row["labels"], row["calls"], row["cost_usd"], row["unpriced_calls"]) == ("production 1", 4, 0.0140001, 1)
    assert prompts.frame([one], None)["calls"].isna().all()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({"prompt_find": "very KIND"}, ["shop/answer"], id="text"),
        pytest.param({"prompt_tag": "shop"}, ["shop/answer"], id="tag"),
        pytest.param({"prompt_label": "production"}, ["shop/answer"], id="label"),
        pytest.param({"prompt_find": "nowhere"}, [], id="none"),
    ],
)
def test_the_search(
    visit: Callable[..., AppTest], listed: Callable[..., Any], query: dict[str, str], names: list[str]
) -> None:
    found = visit(**query)
    if names:
        assert [row["Prompt"] for row in listed(found, "Prompts")] == names
    else:
        assert "None of 2 matches the search" in said(found)


def test_a_version_is_read_by_role(visit: Callable[..., AppTest], listed: Callable[..., Any]) -> None:
    found = visit(prompt_name="shop/answer")
    assert "Be very kind." in html(found)
    found = visit(prompt_name="shop/answer", prompt_version="1")
    assert ">Be kind.<" in html(found)
    (row,) = listed(found, "Labels")
    assert (row["Label"], row["Version"], row["Protected"]) == ("production", "1", "protected")
    assert "the launch" in said(found)
    assert any("curl" in part.value for part in found.code)


def test_what_nobody_made_is_told(visit: Callable[..., AppTest]) -> None:
    assert "There is none named" in said(visit(prompt_name="nowhere"))


def test_text_of_others_stays_text(visit: Callable[..., AppTest], hostile: str) -> None:
    found = visit(prompt_name="hostile")
    assert "<script>" not in html(found).replace("&lt;script&gt;", "")
    assert "&lt;script&gt;" in html(found)
    assert hostile not in "\n".join(str(part.value) for part in (*found.markdown, *found.caption))


def test_two_versions_are_compared(visit: Callable[..., AppTest]) -> None:
    found = visit(prompt_name="shop/answer", prompt_part="Compare")
    assert "<ins" in html(found)
    assert " very</ins>" in html(found)
    assert "parameter temperature: added, 0" in said(found)
    assert "1 message is the same." in said(found)


def test_usage_leads_to_traces(visit: Callable[..., AppTest], listed: Callable[..., Any]) -> None:
    found = visit(prompt_name="shop/answer", prompt_part="Usage")
    first, second = listed(found, "Usage by version")
    assert (first["Version"], first["Calls"], first["Tokens in / out"]) == ("1 production", "3", "3k / 300")
    assert (second["Version"], second["p95"]) == ("2", "900 ms (no interval)")
    assert first["href"] == "traces?prompt=shop%2Fanswer%401"
    assert "version 1 has 75 % of them" in said(found)


def test_what_is_edited_becomes_a_version(visit: Callable[..., AppTest], served: Any) -> None:
    with served.client() as client:
        client.set_prompt("edited", {"messages": CHAT}, tags=["a"])
        found = visit(prompt_name="edited", prompt_part="Edit")
        assert found.button(key="save-prompt").disabled
        texts = [one for one in found.text_area if "-text-" in str(one.key)]
        texts[0].set_value("Be\n{{ tone }").run()
        assert [one.value.replace("\\", "") for one in found.error] == ["it is no template: unexpected '}', line 2"]
        assert found.button(key="save-prompt").disabled
        texts = [one for one in found.text_area if "-text-" in str(one.key)]
        texts[0].set_value("Be\n{{ tone }}").run()
        assert "Variables: question, tone" in said(found)
        next(one for one in found.text_input if str(one.key).endswith("-note")).set_value("with a tone")
        found.button(key="save-prompt").click().run()
        assert [one.value for one in found.success] == ["Saved as version 2\\."]
        told = client.prompt("edited")
        assert (told["messages"][0]["content"], told["note"]) == ("Be\n{{ tone }}", "with a tone")
        client.forget_prompt("edited")


def test_who_was_overtaken_sees_what_differs_and_saves_all_the_same(visit: Callable[..., AppTest], served: Any) -> None:
    with served.client() as client:
        client.set_prompt("shared", {"text": "Be kind."})
        found = visit(prompt_name="shared", prompt_part="Edit")
        found.text_area[0].set_value("Be brief.").run()
        client.set_prompt("shared", {"text": "Be kind, always."}, author="ada", note="warmer")
        found.button(key="save-prompt").click().run()
        assert not found.error
        (told,) = (one.value.replace("\\", "") for one in found.warning)
        assert told.startswith("Version 2 was saved by ada since you began: warmer.")
        assert ">Be" in html(found)
        assert "brief</ins>" in html(found)
        assert found.text_area[0].value == "Be brief."
        assert found.button(key="save-prompt").disabled
        assert found.button(key="save-over").label == "Save as version 3"
        found.button(key="save-over").click().run()
        assert [one.value for one in found.success] == ["Saved as version 3\\."]
        assert client.prompt("shared")["text"] == "Be brief."
        assert not found.warning
        client.forget_prompt("shared")


def test_a_version_that_there_is_not_is_told(visit: Callable[..., AppTest]) -> None:
    found = visit(prompt_name="shop/answer", prompt_version="99")
    assert [one.value.replace("\\", "") for one in found.warning] == ["shop/answer has no version 99; the newest is 2."]
    assert any(one.proto.label == "Version 2" for one in found.get("page_link"))
    assert "Be very kind." in html(found)
    assert not visit(prompt_name="shop/answer", prompt_version="1").warning


def test_a_new_prompt_begins_with_a_template(visit: Callable[..., AppTest], served: Any) -> None:
    found = visit(prompt_name="made/new", prompt_new="classify", prompt_part="Edit")
    assert "one of these classes" in found.text_area[0].value.replace("exactly one", "one")
    found.button(key="save-prompt").click().run()
    with served.client() as client:
        assert (client.prompt("made/new")["note"], client.prompt_versions("made/new")["tags"]) == (
            "From the template classify.", ["classification"],
        )  # fmt: skip
        client.forget_prompt("made/new")


def test_a_protected_label_asks_for_its_name(visit: Callable[..., AppTest], served: Any) -> None:
    with served.client() as client:
        client.set_prompt("guarded", {"text": "a"})
        client.set_prompt("guarded", {"text": "b"})
        client.move_label("guarded", "production", 1, protected=True)
        found = visit(prompt_name="guarded")
        found.button(key="move-label").click().run()
        found.button(key="label-move").click().run()
        assert any("is protected" in one.value.replace("\\", "") for one in found.error)
        found.button(key="move-label").click().run()
        found.text_input(key="label-confirm").set_value("production")
        found.button(key="label-move").click().run()
        assert client.prompt("guarded", "production")["text"] == "b"
        client.forget_prompt("guarded", confirm="guarded")


def test_what_is_no_json_is_told() -> None:
    with pytest.raises(prompt_edit.NotJsonError, match="Parameters, line 2: this is no JSON"):
        prompt_edit.content_of({"text": "a"}, "", '{\n"a" 1}', "")
    with pytest.raises(prompt_edit.NotJsonError, match="Tools: this is no JSON of the form a list"):
        prompt_edit.content_of({"text": "a"}, "", "", "{}")
    assert prompt_edit.content_of({"text": "a"}, " m ", "", "")["model"] == "m"


def test_archives_are_equal_and_read_back() -> None:
    files = [{"path": "a/b.yaml", "text": "prompt: a/b\n"}]
    packed = prompt_exchange.archive(files)
    assert packed == prompt_exchange.archive(files)
    assert prompt_exchange.read([("x.zip", packed), ("c.yaml", b"prompt: c\n")]) == [
        *files, {"path": "c.yaml", "text": "prompt: c\n"},
    ]  # fmt: skip
    for name, content, why in (("x.zip", b"no", "no archive"), ("x.yaml", b"\xff", "no text in UTF-8")):
        with pytest.raises(ValueError, match=why):
            prompt_exchange.read([(name, content)])
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.yaml", b"a" * (prompt_exchange.MOST_BYTES + 1))
    with pytest.raises(ValueError, match="more than 15 MiB"):
        prompt_exchange.read([("x.zip", bomb.getvalue())])


@pytest.mark.parametrize(
    ("move", "said"),
    [
        pytest.param((None, 3, False), "production: put on 3", id="put"),
        pytest.param((2, 3, False), "production: 2 → 3, by ada", id="moved"),
        pytest.param((2, None, False), "production: removed from 2", id="removed"),
        pytest.param((2, 2, True), "production: protected", id="protected"),
        pytest.param((2, 2, False), "production: not protected any more", id="unprotected"),
    ],
)
def test_moves_in_words(move: tuple[Any, Any, bool], said: str) -> None:
    told = dict(zip(("from_version", "version", "protected"), move, strict=True))
    row = told | {"label": "production", "moved_at": "2026-11-24T10:00:00Z", "author": "ada"}
    assert said in prompt_labels.moved(row)


def test_names_are_checked_as_they_are_typed() -> None:
    assert prompts.problem("a/b", []) == ""
    assert "Name the prompt" in prompts.problem("", [])
    assert "A name has letters" in prompts.problem("a b", [])
    assert "already" in prompts.problem("a", ["a"])


def test_long_stretches_that_are_the_same_are_folded() -> None:
    told = prompt_words.compared([("same", "a" * 1000), ("in", "<b>")])
    assert "680 letters that are the same" in told
    assert "&lt;b&gt;" in told
