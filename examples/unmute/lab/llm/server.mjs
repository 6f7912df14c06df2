// SPDX-License-Identifier: GPL-3.0-or-later
// As much of OpenAI's API as vLLM has and the backend uses, POST /v1/chat/completions, and beside it GET /health and /metrics.
import { createServer } from "node:http";
import { getLlama, LlamaChatSession } from "node-llama-cpp";

const llama = await getLlama({ build: "never", gpu: false, logLevel: "error" });
const model = await llama.loadModel({ modelPath: "/opt/model/model.gguf" });
const context = await model.createContext({ contextSize: 2048, threads: 1 });

function item({ role, content }) {
  if (role === "assistant") return { type: "model", response: [content] };
  return { type: role === "system" ? "system" : "user", text: content };
}

async function answer({ messages, max_tokens: maxTokens, temperature = 1 }) {
  const session = new LlamaChatSession({ contextSequence: context.getSequence() });
  try {
    session.setChatHistory(messages.slice(0, -1).map(item));
    return await session.prompt(messages.at(-1).content, { maxTokens, temperature });
  } finally {
    session.dispose({ disposeSequence: true });
  }
}

// One at a time: the context has one sequence.
let last = Promise.resolve();
let answered = 0;
function inTurn(body) {
  const mine = last.then(() => answer(body));
  last = mine.catch(() => {});
  return mine;
}

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts));
}

function reply(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

createServer(async (request, response) => {
  try {
    if (request.url === "/health") return reply(response, 200, {});
    if (request.url === "/metrics") return response.writeHead(200, { "Content-Type": "text/plain" }).end(`vllm:request_success_total ${answered}\n`);
    if (request.method !== "POST" || request.url !== "/v1/chat/completions") return reply(response, 404, { error: "not found" });
    const body = await read(request);
    const content = await inTurn(body);
    answered += 1;
    return reply(response, 200, { model: body.model, choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }] });
  } catch (error) {
    return reply(response, 500, { error: String(error) });
  }
}).listen(8000);
