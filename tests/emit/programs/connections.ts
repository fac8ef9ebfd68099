import type {
  Capability, CloseCode, Connection, ErrorCode, PathParameters, Received, Reply, ReplyType, Request, RouteName, RouteWith, components, shop,
} from "./generated/client";

declare function connect<R extends RouteName>(route: R, parameters: PathParameters<R>): Connection<R>;

const connection = connect("shop", { shop: 7 });
const audio = connect("audio", {});
const anything = connect("anything", {});

export async function right(): Promise<string> {
  connection.send("leave");
  connection.send("watch_prices");
  connection.send("watch_prices", { every: 2 });
  const placed = await connection.request("place_order", { items: ["a"], express: true });
  for await (const { amount, currency } of connection.stream("watch_prices")) console.log(amount * 2, currency);
  const stop = connection.on("categories", ({ name }) => console.log(name.length));
  stop();
  connection.on("closed", () => connection.close(1000));
  audio.send("text");
  audio.send(new Uint8Array(3));
  audio.on((frame) => console.log(typeof frame === "string" ? frame.length : frame.byteLength));
  anything.send("whatever", [1, 2]);
  anything.send("ask", { question: "?" });
  const told: string = await anything.request("ask", { question: "?" });
  return `${placed.number + 1} ${placed.total.currency} ${told}`;
}

export async function wrong(): Promise<void> {
  connect("shopp", { shop: 7 }); //! TS2345
  connect("shop", { shop: "7" }); //! TS2322
  connect("shop", {}); //! TS2345 TS2741
  connection.send("place_order"); //! TS2554
  connection.send("place_ordr", { items: [], express: true }); //! TS2345
  connection.send("place_order", { items: [], express: true, gift: true }); //! TS2353
  connection.send("place_order", { items: [] }); //! TS2345 TS2741
  connection.send("leave", {}); //! TS2554
  connection.send("order_placed"); //! TS2345
  await connection.request("watch_prices"); //! TS2554
  connection.stream("place_order", { items: [], express: true }); //! TS2345
  connection.on("place_order", () => undefined); //! TS2345
  (await connection.request("place_order", { items: [], express: true })).nmber; //! TS2551
  anything.send("ask", { question: 1 }); //! TS2322
  audio.send({}); //! TS2345
}

export const names: [RouteName, Capability, RouteWith<"prices">, ReplyType<"shop", "place_order">] = [
  "audio",
  "voice",
  "shop",
  "order_placed",
];
export const money: components.Money = { amount: 1, currency: "USD" } satisfies shop.Price;
export const request: Request<"shop", "place_order"> = { items: [], express: false };
export const reply: Reply<"shop", "place_order"> = { number: 1, total: money };
export const event: Received<"shop", "categories"> = { name: "a", children: [{ name: "b" }] };
export const codes: [ErrorCode, CloseCode] = ["timeout", 4001];

export const noReply: Reply<"shop", "leave"> = 1; //! TS2322
export const noCode: ErrorCode = "time_out"; //! TS2820
export const noClose: CloseCode = 4000; //! TS2322
export const noRoute: RouteWith<"prices"> = "audio"; //! TS2322
