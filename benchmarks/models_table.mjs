// Prints a table of .onnx models: whether octet's float outputs are those of ONNX Runtime, what int8 loses, and the time
// of both programs, which run in turns. Everything is measured in one run, with one thread by default.
//   node models_table.mjs OCTET MODULES [--rounds N] [--seconds S] [--threads T] [--inputs FOLDER] [--size N] MODEL.onnx...
// OCTET: the program octet. MODULES: a folder in which `npm install --ignore-scripts onnxruntime-node` was run. The inputs
// are FOLDER/MODEL/*.npy, in the layout of the model; without them, smooth random images, in which open sizes are 1 (the
// first one) or N (default 224). For models of one input.
//   float dB   SQNR of octet's float outputs to ONNX Runtime's, the worst output
//   int8 dB    SQNR of octet's int8 outputs to its float ones, the worst output
//   times      medians, in ms, and the medians of the ratios of the rounds
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const files = [], options = { rounds: 5, seconds: 0.3, threads: 1, size: 224 };
for (const all = process.argv.slice(2); all.length > 0;) {
  const a = all.shift();
  if (a.startsWith('--')) options[a.slice(2)] = all.shift(); else files.push(a);
}
const [octet, modules] = files.splice(0, 2);
const ort = createRequire(path.resolve(modules) + '/')('onnxruntime-node');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'models_table_'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true }));

function run(...args) {
  const r = spawnSync(octet, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (r.status !== 0) throw new Error((r.stderr || r.stdout || String(r.error)).trim().split('\n').pop());
  return r.stdout;
}
const median = (x) => [...x].sort((a, b) => a - b)[x.length >> 1];

// .npy files of float32, in C order.
function readNpy(file) {
  const bytes = fs.readFileSync(file), long = bytes[6] > 1, start = (long ? 12 : 10) + (long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString('latin1', 10, start);
  if (!header.includes("'<f4'") || !/'fortran_order': *False/.test(header)) throw new Error(`${file} is not of float32 in C order`);
  const shape = /'shape': *\(([^)]*)\)/.exec(header)[1].split(',').filter((n) => n.trim()).map(Number);
  return { shape, data: new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length)) };
}
function writeNpy(file, shape, data) {
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  header += ' '.repeat(63 - (10 + header.length) % 64) + '\n';
  const head = Buffer.from('\x93NUMPY\x01\x00  ' + header, 'latin1');
  head.writeUInt16LE(header.length, 8);
  fs.writeFileSync(file, Buffer.concat([head, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}

// Sums of waves of random lengths and phases, in 0 .. 1, that change along all axes.
let seed = 1;
const uniform = () => ((seed = (seed * 1664525 + 1013904223) >>> 0) + 0.5) / 4294967296;
function smooth(shape) {
  const waves = Array.from({ length: 6 }, () => shape.map((n) => (uniform() * 2 - 1) * 2 * Math.PI * 4 / n).concat(6 * uniform()));
  const at = shape.map(() => 0), data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; ++i) {
    data[i] = 0.5 + waves.reduce((s, w) => s + Math.sin(at.reduce((t, x, k) => t + x * w[k], w[at.length])), 0) / 12;
    for (let k = at.length - 1; k >= 0 && ++at[k] === shape[k]; --k) at[k] = 0;
  }
  return data;
}

async function row(model) {
  const name = path.basename(model, '.onnx'), folder = path.join(scratch, name), saved = path.join(folder, 'saved');
  fs.mkdirSync(folder);
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: +options.threads, interOpNumThreads: 1,
    executionMode: 'sequential', graphOptimizationLevel: 'all', logSeverityLevel: 3 });
  if (session.inputNames.length !== 1) throw new Error('has several inputs');
  const declared = session.inputMetadata[0].shape.map((d) => (typeof d === 'number' && d > 0 ? d : 0));
  const given = options.inputs && path.join(options.inputs, name), data = given && fs.existsSync(given) ? given : path.join(folder, 'data');
  if (data !== given) {
    fs.mkdirSync(data);
    const chosen = declared.map((d, i) => d || (i === 0 ? 1 : +options.size));
    for (let i = 0; i < 4; ++i) writeNpy(path.join(data, `${i}.npy`), chosen, smooth(chosen));
  }
  const first = path.join(data, fs.readdirSync(data).filter((f) => f.endsWith('.npy')).sort()[0]);
  const input = readNpy(first), names = session.inputMetadata[0].shape;
  const sizes = declared.flatMap((d, i) => (d ? [] : ['--size', `${names[i]}=${input.shape[i]}`]));

  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', input.data, input.shape) };
  const theirs = await session.run(feeds);
  const outputs = run('run', model, '--input', first, '--save', saved).split('\n').filter((line) => line.startsWith(saved));
  let float = Infinity;
  session.outputNames.forEach((output, k) => {
    if (theirs[output].type !== 'float32') return;
    const a = theirs[output].data, b = readNpy(outputs[k]).data;
    let noise = 0, signal = 0;
    a.forEach((x, i) => { signal += x * x; noise += (x - b[i]) ** 2; });
    float = Math.min(float, noise === 0 ? 200 : 10 * Math.log10(signal / noise));
  });

  const json = path.join(folder, 'results.json'), forms = path.join(folder, 'forms');
  run('compare', model, '--data', data, '--calibration', data, '--runs', '1', '--out', forms, '--json', json, '--threads', options.threads);
  const int8 = JSON.parse(fs.readFileSync(json)).variants.find((v) => v.name === 'int8');
  const loss = Math.min(...int8.outputs.map((o) => o.sqnr_db ?? 200));

  const times = { float: [], int8: [], theirs: [] }, bench = path.join(folder, 'bench.json');
  const own = (file) => {
    run('bench', file, '--seconds', String(options.seconds), '--threads', options.threads, '--json', bench, '--force', ...sizes);
    return JSON.parse(fs.readFileSync(bench)).median_ms;
  };
  for (let r = 0; r < +options.rounds; ++r) {
    times.float.push(own(model));
    times.int8.push(own(path.join(forms, 'int8.octet')));
    const ms = [];
    for (const end = performance.now() + 1000 * options.seconds; performance.now() < end || ms.length < 3;) {
      const begin = performance.now();
      await session.run(feeds);
      ms.push(performance.now() - begin);
    }
    times.theirs.push(median(ms));
  }
  const ratio = (a, b) => median(times[a].map((t, i) => t / times[b][i])).toFixed(2).padStart(8);
  const ms = (t) => median(times[t]).toFixed(2).padStart(8);
  return `${float.toFixed(0).padStart(8)} ${loss.toFixed(1).padStart(8)} ${ms('float')} ${ms('int8')} ${ms('theirs')} ` +
    `${ratio('float', 'theirs')} ${ratio('int8', 'float')} ${ratio('int8', 'theirs')}`;
}

console.log('model'.padEnd(32) + ['float dB', 'int8 dB', 'float', 'int8', 'ORT', 'fl/ORT', 'int8/fl', 'int8/ORT'].map((t) => t.padStart(8)).join(' '));
for (const model of files) {
  const text = path.basename(model, '.onnx').slice(0, 31).padEnd(32);
  console.log(text + (await row(model).catch((e) => ` ${e.message}`)));
}
