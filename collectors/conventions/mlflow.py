"""MLflow tracing. Its values are JSON texts: a type is `"CHAT_MODEL"` with the quotes."""

from __future__ import annotations

from collectors.conventions.keys import Keys

KEYS = Keys(
    provider=("mlflow.llm.provider", "mlflow.modelProvider"),
    model_weak=("mlflow.llm.model", "mlflow.modelName"),
    usage_json=("mlflow.chat.tokenUsage", "mlflow.trace.tokenUsage"),
    cost_json=("mlflow.llm.cost",),
    session_id=("mlflow.trace.session",),
    user_id=("mlflow.trace.user",),
    tool_definitions=("mlflow.chat.tools",),
    input_weak=("mlflow.chat.messages", "mlflow.spanInputs"),
    output_weak=("mlflow.spanOutputs",),
    tool_input=("mlflow.spanInputs",),
    tool_output=("mlflow.spanOutputs",),
)
