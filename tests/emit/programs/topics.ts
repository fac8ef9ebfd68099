import type { AuthKind, ClientFrame, Connection, GatewayFrame, Publication, TopicEvent, TopicName } from "./generated/client";

declare function send(frame: ClientFrame<"rooms">): void;
declare const rooms: Connection<"rooms">;
declare const feed: Connection<"feed">;
declare const shop: Connection<"shop">;

send({ type: "$subscribe", id: 1, payload: { topic: "jobs.7" } });
send({ type: "$unsubscribe", payload: { topic: "jobs.*" } });
send({ type: "$publish", payload: { topic: "rooms.1", type: "said", payload: "hi" } });
send({ type: "$publish", payload: { topic: "rooms.1", type: "cleared" } });
send({ type: "$who", id: 2, payload: { topic: "rooms.1" } });
send({ type: "$auth", payload: { token: "k" } });

send({ type: "$subscribe", payload: { topic: "job.7" } }); //! TS2322
send({ type: "$subscribe", payload: {} }); //! TS2322
send({ type: "$publish", payload: { topic: "jobs.7", type: "said", payload: "hi" } }); //! TS2353
send({ type: "$publish", payload: { topic: "rooms.1", type: "said", payload: 1 } }); //! TS2322
send({ type: "$who", payload: { topic: "jobs.7" } }); //! TS2345
send({ type: "$auth", payload: { tokn: "k" } }); //! TS2353

export const plain: ClientFrame<"shop"> = { type: "$subscribe", payload: { topic: "a" } }; //! TS2322 TS2353

export function receive(frame: GatewayFrame<"rooms">): string {
  switch (frame.type) {
    case "said":
      return `${frame.topic?.length} ${frame.payload.trim()}`;
    case "job_done":
      return frame.payload.seconds.toFixed(1);
    case "cleared":
      return frame.topic ?? "";
    case "$ok":
      if ("members" in frame.payload) return frame.payload.members.map(({ member }) => member).join();
      return "topic" in frame.payload ? frame.payload.topic : frame.payload.principal;
    case "$join":
    case "$leave":
      return `${frame.topic}: ${frame.payload.principal ?? frame.payload.member}`;
    case "error":
      return frame.error.message;
    default: {
      const nothing: never = frame;
      return nothing;
    }
  }
}

export async function right(): Promise<void> {
  const stop = await rooms.subscribe("jobs.*", (event) => console.log(event.topic, event.payload.seconds));
  stop();
  await rooms.subscribe("rooms.1", (event) => (event.type === "said" ? event.payload.trim() : event.topic));
  await rooms.publish({ topic: "rooms.1", type: "said", payload: "hi" });
  await feed.publish({ topic: "news", type: "whatever", payload: [1] });
  await feed.subscribe("news", ({ type }) => console.log(type.length));
}

export async function wrong(): Promise<void> {
  await rooms.subscribe("nowhere", () => undefined); //! TS2345
  await rooms.subscribe("jobs.1", (event) => event.payload.trim()); //! TS2339
  await rooms.publish({ topic: "rooms.1", type: "said" }); //! TS2345
  await shop.subscribe("jobs.1", () => undefined); //! TS2339
}

export const names: [TopicName<"rooms">, TopicName<"feed">, AuthKind<"rooms">] = ["rooms.1", "news", "apiKey"];
export const event: TopicEvent<"rooms", "jobs.all"> = { topic: "jobs.all", type: "job_done", payload: { seconds: 1 } };
export const publication: Publication<"rooms"> = { topic: "rooms.1", type: "cleared" };
export const nobody: AuthKind<"shop"> = "jwt"; //! TS2322
