// Runs what octet_bench_exported wrote with ONNX Runtime and LiteRT, and compares with octet's outputs.
//   node exported_models.mjs JUDGES LITERT_RUN FOLDER...
// JUDGES: a folder in which `npm install --ignore-scripts onnxruntime-node @litertjs/core` was run. LITERT_RUN: a script
// `LITERT_RUN MODEL.tflite IN.raw OUT.raw` that runs LiteRT on consecutive inputs.
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const [judges, litert, ...folders] = process.argv.slice(2);
const ort = createRequire(path.resolve(judges) + '/')('onnxruntime-node');
const floats = (file) => {
  const b = fs.readFileSync(file);
  return new Float32Array(b.buffer, b.byteOffset, b.length / 4);
};

// The types of the nodes of an .onnx file: ModelProto.graph (7), .node (1), .op_type (4).
function nodeTypes(file) {
  const bytes = fs.readFileSync(file), types = [];
  const walk = (at, end, visit) => {
    const varint = () => { let x = 0, m = 1, b; do { b = bytes[at++]; x += (b & 127) * m; m *= 128; } while (b & 128); return x; };
    while (at < end) {
      const tag = varint(), field = Math.floor(tag / 8);
      if (tag % 8 === 0) varint(); else if (tag % 8 === 5) at += 4; else if (tag % 8 === 1) at += 8;
      else { const n = varint(); visit(field, at, at + n); at += n; }
    }
  };
  walk(0, bytes.length, (f, a, b) => f === 7 && walk(a, b, (f, a, b) => f === 1 && walk(a, b, (f, a, b) => {
    if (f === 4) types.push(bytes.toString('latin1', a, b));
  })));
  return types;
}

async function runOnnx(file, inputs, count) {
  const optimized = file + '.optimized';
  const session = await ort.InferenceSession.create(file, { graphOptimizationLevel: 'all', intraOpNumThreads: 1,
    logSeverityLevel: 3, optimizedModelFilePath: optimized, extra: { session: { x64quantprecision: '1' } } });
  const size = inputs.length / count, shape = session.inputMetadata[0].shape.map((d) => (typeof d === 'number' && d > 0 ? d : 1));
  const [, c, h, w] = shape, out = [];
  for (let i = 0; i < count; ++i) {
    const x = new Float32Array(size);
    for (let p = 0; p < h * w; ++p) for (let k = 0; k < c; ++k) x[k * h * w + p] = inputs[i * size + p * c + k];
    out.push((await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', x, shape) }))[session.outputNames[0]].data);
  }
  const counts = {};
  for (const t of nodeTypes(optimized)) counts[t] = (counts[t] || 0) + 1;
  const all = new Float32Array(out.length * out[0].length);
  out.forEach((o, i) => all.set(o, i * o.length));
  return { out: all, graph: Object.entries(counts).map(([t, n]) => `${t} ${n}`).join(', ') };
}

function runLitert(file, folder, builtin) {
  const to = file + '.out';
  const r = spawnSync(process.execPath, [path.resolve(litert), path.resolve(file), path.resolve(folder, 'inputs.raw'), path.resolve(to),
    ...(builtin ? ['--builtin'] : [])], { cwd: judges, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (r.status !== 0 || /ERROR/.test(r.stdout + r.stderr)) return { out: null, graph: (r.stdout + r.stderr).slice(-300) };
  return { out: floats(to), graph: '' };
}

const best = (all, i, n) => { let b = 0; for (let k = 1; k < n; ++k) if (all[i * n + k] > all[i * n + b]) b = k; return b; };

for (const folder of folders) {
  const inputs = floats(path.join(folder, 'inputs.raw'));
  const labels = fs.readFileSync(path.join(folder, 'labels.txt'), 'utf8').split('\n').slice(0, -1).map((l) => l.trim().split(' ').map(Number));
  const count = labels.length;
  for (const form of ['float', 'fp16', 'dynamic', 'int8', 'qat']) {
    if (!fs.existsSync(path.join(folder, form + '.raw'))) continue;
    const own = floats(path.join(folder, form + '.raw')), n = own.length / count;
    const top1 = (all) => { let good = 0; for (let i = 0; i < count; ++i) good += labels[i].includes(best(all, i, n)); return 100 * good / count; };
    const report = (name, r) => {
      if (!r.out) return console.log(`${folder} ${form} ${name}: failed: ${r.graph}`);
      let equal = 0, same = 0, noise = 0, signal = 0;
      for (let k = 0; k < own.length; ++k) {
        equal += own[k] === r.out[k];
        noise += (own[k] - r.out[k]) ** 2;
        signal += own[k] ** 2;
      }
      for (let i = 0; i < count; ++i) same += best(own, i, n) === best(r.out, i, n);
      const db = noise > 0 ? (10 * Math.log10(signal / noise)).toFixed(1) + ' dB' : 'equal';
      console.log(`${folder} ${form} ${name}: top-1 ${top1(r.out).toFixed(2)} (octet ${top1(own).toFixed(2)}), same choice ` +
        `${(100 * same / count).toFixed(2)} %, equal numbers ${(100 * equal / own.length).toFixed(2)} %, ${db}` + (r.graph ? `\n    ${r.graph}` : ''));
    };
    report('ONNX Runtime', await runOnnx(path.join(folder, form + '.onnx'), inputs, count));
    report('LiteRT', runLitert(path.join(folder, form + '.tflite'), folder, false));
  }
}
