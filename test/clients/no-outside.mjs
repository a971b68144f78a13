// Preloaded into every generator: one that asks anything of another machine, for telemetry or a newer version, fails.
import { Socket } from "node:net";

Socket.prototype.connect = function refuse(...target) {
  process.stderr.write(`A generator calls ${JSON.stringify(target)}\n`);
  process.exit(97);
};
