// Runs what octet_bench_exported wrote with ONNX Runtime and LiteRT, and compares with octet's outputs.
//   node exported_models.mjs JUDGES LITERT_RUN FOLDER... [--forms int8,float,...] [--images N] [--only onnx|tflite|builtin]
// JUDGES: a folder in which `npm install --ignore-scripts onnxruntime-node @litertjs/core` was run. LITERT_RUN: a script
// `LITERT_RUN MODEL.tflite IN.raw OUT.raw [--builtin]` that runs LiteRT on consecutive inputs. `--only builtin`: LiteRT's
// own kernels, without XNNPACK, which are slow and not run otherwise.
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const folders = [], options = {};
for (const all = process.argv.slice(2); all.length > 0;) {
  const a = all.shift();
  if (a.startsWith('--')) options[a.slice(2)] = all.shift(); else folders.push(a);
}
const [judges, litert] = folders.splice(0, 2), forms = options.forms?.split(',') ?? ['float', 'fp16', 'dynamic', 'int8', 'qat'];
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
  fs.writeFileSync(file + '.out', Buffer.from(all.buffer));
  return { out: all, graph: Object.entries(counts).map(([t, n]) => `${t} ${n}`).join(', ') };
}

function runLitert(file, inputs, extra = []) {
  const from = file + '.in', to = file + '.out';
  fs.writeFileSync(from, Buffer.from(inputs.buffer, inputs.byteOffset, inputs.byteLength));
  const r = spawnSync(process.execPath, [path.resolve(litert), path.resolve(file), path.resolve(from), path.resolve(to), ...extra],
    { cwd: judges, encoding: 'utf8', maxBuffer: 1 << 28 });
  fs.unlinkSync(from);
  if (r.status !== 0 || /ERROR/.test(r.stdout + r.stderr)) return { out: null, graph: (r.stdout + r.stderr).slice(-300) };
  return { out: floats(to), graph: r.stdout.match(/XNNPACK for.*/)?.[0] ?? '' };
}

const best = (all, i, n) => { let b = 0; for (let k = 1; k < n; ++k) if (all[i * n + k] > all[i * n + b]) b = k; return b; };

for (const folder of folders) {
  const everyInput = floats(path.join(folder, 'inputs.raw'));
  const labels = fs.readFileSync(path.join(folder, 'labels.txt'), 'utf8').split('\n').slice(0, -1).map((l) => l.trim().split(' ').map(Number));
  const count = Math.min(labels.length, options.images ?? labels.length);
  const part = (all) => all.subarray(0, all.length / labels.length * count), inputs = part(everyInput);
  for (const form of forms) {
    if (!fs.existsSync(path.join(folder, form + '.raw'))) continue;
    const own = part(floats(path.join(folder, form + '.raw'))), n = own.length / count;
    const top1 = (all) => { let good = 0; for (let i = 0; i < count; ++i) good += labels[i].includes(best(all, i, n)); return 100 * good / count; };
    const compare = (a, b) => {
      let equal = 0, same = 0, noise = 0, signal = 0, largest = 0;
      const apart = new Set();  // images with other numbers, but for the last digits of float sums
      for (let k = 0; k < a.length; ++k) largest = Math.max(largest, Math.abs(a[k]));
      for (let k = 0; k < a.length; ++k) {
        if (!(Math.abs(a[k] - b[k]) <= 2e-6 * largest)) apart.add(Math.floor(k / n));
        equal += a[k] === b[k];
        noise += (a[k] - b[k]) ** 2;
        signal += a[k] ** 2;
      }
      for (let i = 0; i < count; ++i) same += best(a, i, n) === best(b, i, n);
      const db = noise > 0 ? (10 * Math.log10(signal / noise)).toFixed(1) + ' dB' : 'equal';
      return `same choice ${(100 * same / count).toFixed(2)} %, equal numbers ${(100 * equal / a.length).toFixed(2)} %, ` +
        `equal images ${(100 - 100 * apart.size / count).toFixed(2)} %, ${db}`;
    };
    const report = (name, format, r) => {
      const read = part(floats(path.join(folder, form + format + '.raw')));
      console.log(`${folder} ${form}${format}: top-1 ${top1(own).toFixed(2)} octet, ${top1(read).toFixed(2)} octet with the file ` +
        `(${compare(own, read)})`);
      if (!r.out) return console.log(`  ${name}: failed: ${r.graph}`);
      console.log(`  ${name}: top-1 ${top1(r.out).toFixed(2)}; to octet ${compare(own, r.out)}; to octet with the file ` +
        `${compare(read, r.out)}` + (r.graph ? `\n  ${r.graph}` : ''));
    };
    if (!options.only || options.only === 'onnx') report('ONNX Runtime', '.onnx', await runOnnx(path.join(folder, form + '.onnx'), inputs, count));
    if (!options.only || options.only === 'tflite') report('LiteRT', '.tflite', runLitert(path.join(folder, form + '.tflite'), inputs));
    if (options.only === 'builtin') report('LiteRT, own kernels', '.tflite.builtin', runLitert(path.join(folder, form + '.tflite'), inputs, ['--builtin']));
  }
}
