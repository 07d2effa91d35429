#!/usr/bin/env node
// Prints, as the rows of docs/performance.md, where the gas of each measured call goes. Traces
// test/gas instruction by instruction; the sum of a row is what the snapshots hold.
"use strict";

const { spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");

const JOBS = [
  ["test_OneNodeJob", ["create", "assign", "propose and settle"]],
  ["test_ThreeNodeJob", ["create", "assign", "propose", "settle"]],
];
const INTRINSIC = 21000;
const ZERO_BYTE = 4;
const NONZERO_BYTE = 16;
const COLD_ACCOUNT = 2600;
const WARM_ACCOUNT = 100;
const ECRECOVER = 3000;
const LAST_PRECOMPILE = 17n;
const OP = { extcodesize: 0x3b, sload: 0x54, sstore: 0x55, log0: 0xa0, log4: 0xa4 };
const CALLS = new Set([0xf1, 0xf4, 0xfa]);

/** The call frames of a test, as Foundry's debugger dumps them. */
function trace(test) {
  const dump = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "gas-floor-")), "dump.json");
  const options = ["--match-path", "test/gas/*", "--match-test", test, "--debug", "--dump", dump];
  const run = spawnSync("forge", ["test", ...options], {
    env: { ...process.env, FOUNDRY_PROFILE: "gas", FORGE_SNAPSHOT_EMIT: "false" },
    encoding: "utf8",
  });
  if (!fs.existsSync(dump)) {
    process.stderr.write(`gas-floor: forge dumped no trace of ${test}\n${run.stderr}`);
    process.exit(1);
  }
  const frames = JSON.parse(fs.readFileSync(dump, "utf8")).debug_arena;
  fs.rmSync(path.dirname(dump), { recursive: true });
  return frames;
}

/** The frames of each transaction that the test sent. */
function transactions(frames) {
  const test = frames[0].address;
  const found = [];
  let current = null;
  for (const frame of frames) {
    if (frame.address === test) current = null;
    else if (current) current.push(frame);
    else if (frame.kind === "CALL") found.push((current = [frame]));
  }
  return found;
}

/** Where the gas of one transaction goes. */
function parts(frames) {
  const bytes = Buffer.from(frames[0].calldata.slice(2), "hex");
  const warm = new Set([BigInt(frames[0].address)]);
  const sum = { calldata: 0, storage: 0, accounts: 0, logs: 0, signatures: 0, compute: 0 };
  for (const byte of bytes) sum.calldata += byte === 0 ? ZERO_BYTE : NONZERO_BYTE;
  for (const step of frames.flatMap((frame) => frame.steps)) {
    const op = Number(step.op);
    const cost = Number(step.gas_cost);
    if (op === OP.sload || op === OP.sstore) {
      sum.storage += cost;
    } else if (op >= OP.log0 && op <= OP.log4) {
      sum.logs += cost;
    } else if (CALLS.has(op) || op === OP.extcodesize) {
      const at = BigInt(step.stack[step.stack.length - (op === OP.extcodesize ? 1 : 2)]);
      const account = at & ((1n << 160n) - 1n);
      const isCold = account > LAST_PRECOMPILE && !warm.has(account);
      warm.add(account);
      if (account === 1n) sum.signatures += ECRECOVER;
      if (isCold) sum.accounts += COLD_ACCOUNT;
      else sum.compute += WARM_ACCOUNT;
    } else {
      sum.compute += cost;
    }
  }
  return sum;
}

const number = (value) => value.toLocaleString("en-US");

for (const [test, names] of JOBS) {
  const sent = transactions(trace(test)).slice(-names.length);
  const columns = "call | intrinsic | calldata | storage | accounts | logs | signatures";
  process.stdout.write(`| ${columns} | floor | compute | total |\n|---${"|--:".repeat(9)}|\n`);
  const whole = { floor: 0, total: 0 };
  sent.forEach((frames, index) => {
    const sum = parts(frames);
    const fixed = sum.calldata + sum.storage + sum.accounts + sum.logs + sum.signatures;
    const floor = INTRINSIC + fixed;
    const total = floor + sum.compute;
    whole.floor += floor;
    whole.total += total;
    const cells = [INTRINSIC, sum.calldata, sum.storage, sum.accounts, sum.logs, sum.signatures];
    const row = [...cells, floor, sum.compute, total].map(number).join(" | ");
    process.stdout.write(`| ${names[index]} | ${row} |\n`);
  });
  const compute = number(whole.total - whole.floor);
  const row = `${number(whole.floor)} | ${compute} | ${number(whole.total)}`;
  process.stdout.write(`| **whole job** | | | | | | | ${row} |\n\n`);
}
