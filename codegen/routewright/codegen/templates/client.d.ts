/** The name of a route. */
export type RouteName = keyof Routes;

/** What a client may ask for by name. */
export type Capability = Routes[RouteName]["capabilities"];

/** The routes that offer a capability. */
export type RouteWith<C extends Capability> = {
  [R in RouteName]: C extends Routes[R]["capabilities"] ? R : never;
}[RouteName];

/** The parameters of a route's path. */
export type PathParameters<R extends RouteName> = Routes[R]["parameters"];

/** Ties a reply or an error to its request. */
export type Id = number | string;

type Client<R extends RouteName> = Routes[R]["client"];
type Handler<R extends RouteName> = Routes[R]["handler"];
type Named<M> = string extends keyof M ? never : keyof M & string;
type Open<R extends RouteName> = Routes[R]["open"] extends true ? string & {} : never;
type Answered<M> = { [T in Named<M>]: M[T] extends { reply: string } ? T : never }[Named<M>];
type Streamed<M> = { [T in Named<M>]: M[T] extends { stream: true } ? T : never }[Named<M>];
type PayloadOf<M, T> = T extends keyof M ? (M[T] extends { payload: infer P } ? P : never) : unknown;

/** The messages that a client may send; any name on a route that is open. */
export type ClientType<R extends RouteName> = Named<Client<R>> | Open<R>;

/** The messages that a handler may send; any name on a route that is open. */
export type HandlerType<R extends RouteName> = Named<Handler<R>> | Open<R>;

/** The messages that are answered once. */
export type RequestType<R extends RouteName> = Exclude<Answered<Client<R>>, Streamed<Client<R>>>;

/** The messages that are answered by a stream. */
export type StreamType<R extends RouteName> = Streamed<Client<R>>;

/** What a client sends with the message `T`. */
export type Request<R extends RouteName, T extends ClientType<R>> = PayloadOf<Client<R>, T>;

/** The name of the message that answers `T`; `never` where none is declared. */
export type ReplyType<R extends RouteName, T extends ClientType<R>> = T extends keyof Client<R>
  ? Client<R>[T] extends { reply: infer N extends string } ? N : never
  : never;

/** What the answer to `T` holds, or one part of it where it is a stream; `never` where none is declared. */
export type Reply<R extends RouteName, T extends ClientType<R>> = [ReplyType<R, T>] extends [never]
  ? never
  : PayloadOf<Handler<R>, ReplyType<R, T>>;

/** What a handler sends with the message `T`, as a reply or as an event. */
export type Received<R extends RouteName, T extends HandlerType<R>> = PayloadOf<Handler<R>, T>;

/** The payload as the last argument of a function: absent, optional or required, as the message `T` has it. */
export type PayloadArgument<R extends RouteName, T extends ClientType<R>> = T extends keyof Client<R>
  ? Client<R>[T] extends { payload: undefined } ? []
  : Client<R>[T] extends { optional: true } ? [payload?: Request<R, T>]
  : [payload: Request<R, T>]
  : [payload?: unknown];

type Sent<T, M> = M extends { payload: undefined } ? { type: T; id?: Id }
  : M extends { optional: true; payload: infer P } ? { type: T; id?: Id; payload?: P }
  : M extends { payload: infer P } ? { type: T; id?: Id; payload: P }
  : never;

type Whole<T, P> = P extends undefined ? { type: T; id?: Id } : { type: T; id?: Id; payload: P };
type Topical<M> = M extends { topic: infer N } ? { topic?: N } : unknown;
type Part<T, P> =
  | { type: T; id?: Id; payload: P; final?: false }
  | { type: T; id?: Id; payload?: P; final: true };

/** A message that an open route does not declare. */
export interface UndeclaredFrame {
  type: string;
  id?: Id;
  topic?: string;
  payload?: unknown;
  final?: boolean;
}

type Topics<R extends RouteName> = Routes[R]["topics"];
type NameOf<M> = M extends { name: infer N } ? N : never;
type EventOf<M> = M extends { messages: infer E } ? E & string : never;
type Fitting<R extends RouteName, N> = {
  [T in Named<Topics<R>>]: N extends NameOf<Topics<R>[T]> ? EventOf<Topics<R>[T]> : never;
}[Named<Topics<R>>];
type Present<R extends RouteName> = {
  [T in Named<Topics<R>>]: Topics<R>[T] extends { presence: true } ? NameOf<Topics<R>[T]> : never;
}[Named<Topics<R>>];
type Published<T, P> = unknown extends P ? { type: T; payload?: P } : P extends undefined ? { type: T } : { type: T; payload: P };

/** What clients may subscribe to on a route: the names of its topics, and patterns of them such as `jobs.*`. */
export type TopicName<R extends RouteName> = { [T in Named<Topics<R>>]: NameOf<Topics<R>[T]> }[Named<Topics<R>>];

/** An event of a topic that `N` is a name or a pattern of. */
export type TopicEvent<R extends RouteName, N extends TopicName<R> = TopicName<R>> = {
  [E in Fitting<R, N>]: { topic: string } & Published<E, PayloadOf<Handler<R>, E>>;
}[Fitting<R, N>];

/** An event that a client may publish; `never` where handlers alone do. */
export type Publication<R extends RouteName> = {
  [T in Named<Topics<R>>]: Topics<R>[T] extends { publish: true }
    ? {
        [E in EventOf<Topics<R>[T]>]: { topic: NameOf<Topics<R>[T]> } & Published<E, PayloadOf<Handler<R>, E>>;
      }[EventOf<Topics<R>[T]>]
    : never;
}[Named<Topics<R>>];

/** Somebody who has subscribed to a topic with presence. */
export interface Member {
  /** A name for as long as the connection lasts. */
  member: string;
  /** Seconds since 1970. */
  since: number;
  /** Who it is, where that is known. */
  principal?: string;
}

/** Asks for topics, by a name or a pattern. */
export interface SubscribeFrame<R extends RouteName> {
  type: "$subscribe" | "$unsubscribe";
  id?: Id;
  payload: { topic: TopicName<R> };
}

/** Publishes an event. */
export interface PublishFrame<R extends RouteName> {
  type: "$publish";
  id?: Id;
  payload: Publication<R>;
}

/** Asks who has subscribed to a topic. */
export interface WhoFrame<R extends RouteName> {
  type: "$who";
  id?: Id;
  payload: { topic: Present<R> };
}

/** The ways to prove who one is on a route; `never` where nobody asks. */
export type AuthKind<R extends RouteName> = Routes[R]["auth"];

/** A credential: in the first frame where the route takes it there, or later a newer one. */
export interface AuthFrame {
  type: "$auth";
  id?: Id;
  payload: { token: string };
}

type IfAny<T, F> = [T] extends [never] ? never : F;

/** What clients may ask of the gateway itself. */
export type CommandFrame<R extends RouteName> =
  | IfAny<TopicName<R>, SubscribeFrame<R>>
  | IfAny<Publication<R>, PublishFrame<R>>
  | IfAny<Present<R>, WhoFrame<R>>
  | IfAny<Exclude<AuthKind<R>, "plugin">, AuthFrame>;

/** The answer to a command that was carried out. */
export interface OkFrame<R extends RouteName> {
  type: "$ok";
  id?: Id;
  payload:
    | IfAny<TopicName<R>, { topic: string; member?: string }>
    | IfAny<Present<R>, { topic: string; members: Member[]; count: number }>
    | IfAny<Exclude<AuthKind<R>, "plugin">, { principal: string; scopes: string[]; expires: number | null }>;
}

/** Somebody has subscribed to a topic, or left it. */
export interface PresenceFrame {
  type: "$join" | "$leave";
  topic: string;
  payload: Member;
}

/** A text frame from the client, as JSON: one of the route's messages or a command, told apart by `type`. */
export type ClientFrame<R extends RouteName> =
  | { [T in Named<Client<R>>]: Sent<T, Client<R>[T]> }[Named<Client<R>>]
  | CommandFrame<R>
  | (Routes[R]["open"] extends true ? UndeclaredFrame : never);

/**
 * A text frame from the gateway, as JSON: one of the route's messages or an error, told apart by `type`. Without an `id`
 * it is an event. A stream's last frame is `final`.
 */
export type GatewayFrame<R extends RouteName> =
  | {
      [T in Named<Handler<R>>]: Handler<R>[T] extends { stream: true }
        ? Part<T, PayloadOf<Handler<R>, T>>
        : Whole<T, PayloadOf<Handler<R>, T>> & Topical<Handler<R>[T]>;
    }[Named<Handler<R>>]
  | IfAny<CommandFrame<R>, OkFrame<R>>
  | IfAny<Present<R>, PresenceFrame>
  | (Routes[R]["open"] extends true ? UndeclaredFrame : never)
  | ErrorFrame;

/** The answer to a frame that is wrong or cannot be answered. The connection goes on. */
export interface ErrorFrame {
  type: "error";
  /** The request's, where it could be read. */
  id?: Id;
  error: GatewayError;
}

export interface GatewayError {
  /** One of the gateway's codes, or one of the application's own. */
  code: ErrorCode | (string & {});
  /** For people; may change. */
  message: string;
  /** Where in the frame, as `$.payload.depth`. */
  path?: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** Seconds to wait. */
  retryAfter?: number;
  /** For people; may change. */
  hint?: string;
}

/** The gateway's own error codes. */
export type ErrorCode =
  | "cancelled"
  | "circuit_open"
  | "forbidden"
  | "handler_error"
  | "invalid_json"
  | "invalid_message"
  | "not_subscribed"
  | "overloaded"
  | "rate_limited"
  | "timeout"
  | "too_large"
  | "unauthorized"
  | "unknown_type"
  | "worker_lost";

/**
 * Close codes after which a client should connect again: shutting down (1001), no code, broken, failed, restarting, no
 * worker for now (1013), route changed (4001), slow consumer, heartbeat, session taken over, too many frames (4029).
 */
export type ReconnectCode = 1001 | 1005 | 1006 | 1011 | 1012 | 1013 | 4001 | 4002 | 4003 | 4004 | 4029;

/**
 * Close codes after which it should not: done (1000), protocol error, a binary frame on a route for text, not UTF-8, too
 * large (1009), unauthorized or expired (4501), forbidden (4503), route removed (4504).
 */
export type FinalCode = 1000 | 1002 | 1003 | 1007 | 1009 | 4501 | 4503 | 4504;

export type CloseCode = ReconnectCode | FinalCode;

/** A connection to a route whose frames are messages. */
export interface MessageConnection<R extends RouteName> {
  /** Sends a message and does not wait. */
  send<T extends ClientType<R>>(type: T, ...payload: PayloadArgument<R, T>): void;
  /** Sends a message and gives the payload of its reply; rejects with a `GatewayError`. */
  request<T extends RequestType<R>>(type: T, ...payload: PayloadArgument<R, T>): Promise<Reply<R, T>>;
  /** Sends a message and gives each part of its reply as it comes. */
  stream<T extends StreamType<R>>(type: T, ...payload: PayloadArgument<R, T>): AsyncIterable<Reply<R, T>>;
  /** Calls `listener` with each event of a type; returns what ends that. */
  on<T extends HandlerType<R>>(type: T, listener: (payload: Received<R, T>) => void): () => void;
  close(code?: number, reason?: string): void;
}

/** What a connection to a route with topics has besides. */
export interface TopicConnection<R extends RouteName> {
  /** Calls `listener` with each event of a topic, or of all that a pattern stands for; gives what ends that. */
  subscribe<N extends TopicName<R>>(topic: N, listener: (event: TopicEvent<R, N>) => void): Promise<() => void>;
  /** Publishes an event on a topic that has been subscribed to, where clients may. */
  publish(event: Publication<R>): Promise<void>;
}

/** A connection to a route whose frames go through as they are. */
export interface RawConnection {
  send(frame: string | ArrayBuffer | ArrayBufferView): void;
  on(listener: (frame: string | ArrayBuffer) => void): () => void;
  close(code?: number, reason?: string): void;
}

export type Connection<R extends RouteName> = Routes[R]["framing"] extends "raw" ? RawConnection
  : [TopicName<R>] extends [never] ? MessageConnection<R>
  : MessageConnection<R> & TopicConnection<R>;

// Nothing else leaves this file.
export {};
