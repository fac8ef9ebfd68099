import type { ClientFrame, GatewayFrame } from "./generated/client";

declare function send(frame: ClientFrame<"shop">): void;

send({ type: "place_order", id: 1, payload: { items: ["a"], express: true } });
send({ type: "place_order", id: "x", payload: { items: [], express: false, note: null, limit: { amount: 1, currency: "EUR" } } });
send({ type: "watch_prices" });
send({ type: "watch_prices", payload: {} });
send({ type: "leave" });

send({ type: "place_ordr", payload: { items: [], express: true } }); //! TS2820 TS2353
send({ type: "order_placed", payload: { number: 1, total: { amount: 1, currency: "EUR" } } }); //! TS2322 TS2353
send({ type: "place_order" }); //! TS2345
send({ type: "place_order", payload: { items: [] } }); //! TS2741
send({ type: "place_order", payload: { items: [], express: true, expres: 1 } }); //! TS2561
send({ type: "place_order", payload: { items: [1], express: true } }); //! TS2322
send({ type: "place_order", payload: { items: [], express: true, limit: { amount: 1, currency: "GBP" } } }); //! TS2322
send({ type: "place_order", id: true, payload: { items: [], express: true } }); //! TS2322
send({ type: "leave", payload: {} }); //! TS2353

export function receive(frame: GatewayFrame<"shop">): string {
  switch (frame.type) {
    case "order_placed":
      return `${frame.payload.number} ${frame.payload.total.currency}`;
    case "price":
      return frame.final ? "done" : frame.payload.amount.toFixed(2);
    case "categories":
      return frame.payload.children?.[0]?.children?.[0]?.name ?? frame.payload.name;
    case "closed":
      return String(frame.id);
    case "error":
      return frame.error.code === "rate_limited" ? `wait for ${frame.error.retryAfter}` : frame.error.message;
    default: {
      const nothing: never = frame;
      return nothing;
    }
  }
}

export function wrong(frame: GatewayFrame<"shop">): void {
  if (frame.type === "order_place") return; //! TS2367
  if (frame.type === "price") frame.payload.amount; //! TS18048
  if (frame.type === "order_placed") frame.payload.numbr; //! TS2551
  if (frame.type === "closed") frame.payload; //! TS2339
}

const open: ClientFrame<"anything">[] = [{ type: "ask", payload: { question: "?" } }, { type: "whatever", payload: [1] }];
void open;
