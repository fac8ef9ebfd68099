// Reads AsyncAPI documents (one path a line on stdin) and prints, as JSON, what the parser says of each.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Parser } = createRequire(import.meta.url)("@asyncapi/parser");
const parser = new Parser();
const SEVERITIES = ["error", "warning", "information", "hint"];

// Documents may be circular once their references are resolved.
function* texts(value, seen = new Set()) {
  if (typeof value === "string") yield value;
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  for (const each of Object.values(value)) yield* texts(each, seen);
}

const found = [];
for (const path of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const { document, diagnostics } = await parser.parse(readFileSync(path, "utf8"));
  const problems = diagnostics.map(({ severity, code, path, message }) => `${SEVERITIES[severity]} ${code} ${path.join("/")}: ${message}`);
  const anonymous = document ? [...texts(document.json())].filter((text) => text.startsWith("<anonymous-")) : [];
  const messages = document ? document.messages().all().map((message) => message.id()) : [];
  found.push({ valid: document !== undefined, problems, anonymous, messages });
}
console.log(JSON.stringify(found));
