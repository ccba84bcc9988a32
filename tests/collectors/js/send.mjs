// Sends one trace with each OpenTelemetry JS exporter, with and without gzip, and prints what became of it as JSON.
// Usage: node send.mjs <OTLP/HTTP address> <OTLP/gRPC address>
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { CompressionAlgorithm } from "@opentelemetry/otlp-exporter-base";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const [httpUrl, grpcUrl] = process.argv.slice(2);
const exporters = {
  "http-protobuf": (compression) => new ProtobufExporter({ url: `${httpUrl}/v1/traces`, compression }),
  "http-json": (compression) => new JsonExporter({ url: `${httpUrl}/v1/traces`, compression }),
  grpc: (compression) => new GrpcExporter({ url: grpcUrl, compression }),
};

function watched(exporter, codes) {
  return {
    export: (spans, done) => exporter.export(spans, (result) => { codes.push(result.code); done(result); }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}

// Times are given, [seconds, nanoseconds]: the SDK's own starts have whole milliseconds, so that a child may seem to outlive its parent.
const at = (nanoseconds) => [1795525756, nanoseconds];

function agentRun(tracer) {
  const root = tracer.startActiveSpan("invoke_agent guide", { kind: SpanKind.INTERNAL, startTime: at(100) }, (agent) => {
    agent.setAttributes({ "gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "js-session" });
    tracer.startActiveSpan("chat gpt-5-mini", { kind: SpanKind.CLIENT, startTime: at(200) }, (chat) => {
      chat.setAttributes({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stream": false,
        "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: "Grüße, 世界 🌍" }] }]),
      });
      chat.addEvent("note", { text: "an event" }, at(250));
      chat.end(at(300));
    });
    tracer.startActiveSpan("execute_tool weather", { startTime: at(400) }, (tool) => {
      tool.setAttributes({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather" });
      tool.setStatus({ code: SpanStatusCode.ERROR, message: "no such city" });
      tool.end(at(500));
    });
    agent.end(at(999999999));
    return agent;
  });
  return root.spanContext().traceId;
}

const report = {};
for (const [transport, make] of Object.entries(exporters)) {
  for (const compression of [CompressionAlgorithm.NONE, CompressionAlgorithm.GZIP]) {
    const codes = [];
    const provider = new NodeTracerProvider({
      resource: resourceFromAttributes({ "service.name": `js-${transport}` }),
      spanProcessors: [new BatchSpanProcessor(watched(make(compression), codes))],
    });
    provider.register();
    const traceId = agentRun(provider.getTracer("js-test", "1.0"));
    await provider.forceFlush();
    await provider.shutdown();
    report[`${transport} ${compression}`] = { traceId, codes };
  }
}
console.log(JSON.stringify(report));
