import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { onTestFinished } from "vitest";

const AMQP_FRAME = 0;
const ERROR = 0x1d;

/** A performative as it went over the wire: its descriptor, how many fields were written, and those of each error in it. */
export interface WrittenFrame {
  readonly descriptor: number;
  readonly fields: number;
  readonly errorFields: readonly number[];
}

/** A port that leads to another one and keeps the frames that come back from there. */
export async function tap(
  port: number,
): Promise<{ readonly port: number; readonly written: WrittenFrame[] }> {
  const written: WrittenFrame[] = [];
  const server: Server = createServer((client) => {
    const broker = connect(port, "127.0.0.1");
    let bytes: Buffer = Buffer.alloc(0);
    client.pipe(broker).pipe(client);
    for (const socket of [client, broker]) socket.on("error", () => socket.destroy());
    broker.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      bytes = readFrames(bytes, written);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, written };
}

/** Reads every whole frame (AMQP 2.3.1) and returns the bytes that are left. */
function readFrames(bytes: Buffer, written: WrittenFrame[]): Buffer {
  let start = 0;
  while (bytes.length - start >= 8) {
    if (bytes.toString("latin1", start, start + 4) === "AMQP") {
      start += 8; // a protocol header
      continue;
    }
    const size = bytes.readUInt32BE(start);
    if (bytes.length - start < size) break;
    const body = bytes.subarray(start + bytes.readUInt8(start + 4) * 4, start + size);
    if (bytes.readUInt8(start + 5) === AMQP_FRAME && body.length > 0)
      written.push(readPerformative(body));
    start += size;
  }
  return bytes.subarray(start);
}

function readPerformative(body: Buffer): WrittenFrame {
  const { descriptor, list } = readDescribed(body, 0);
  const errorFields: number[] = [];
  // A small unsigned long as descriptor is how rhea writes an error.
  for (let at = list + 1; at < body.length - 3; at++)
    if (body[at] === 0 && body[at + 1] === 0x53 && body[at + 2] === ERROR)
      errorFields.push(countOf(body, at + 3));
  return { descriptor, fields: countOf(body, list), errorFields };
}

/** A described list: its descriptor and where the list begins. */
function readDescribed(
  body: Buffer,
  at: number,
): { readonly descriptor: number; readonly list: number } {
  if (body[at] !== 0) throw new Error("not a described type");
  switch (body[at + 1]) {
    case 0x53:
      return { descriptor: body.readUInt8(at + 2), list: at + 3 };
    case 0x80:
      return {
        descriptor: Number(body.readBigUInt64BE(at + 2)),
        list: at + 10,
      };
    default:
      throw new Error("the descriptor is no unsigned long");
  }
}

/** How many elements a list has, by its constructor (AMQP 1.6.22). */
function countOf(body: Buffer, at: number): number {
  switch (body[at]) {
    case 0x45:
      return 0;
    case 0xc0:
      return body.readUInt8(at + 2);
    case 0xd0:
      return body.readUInt32BE(at + 5);
    default:
      throw new Error("not a list");
  }
}
