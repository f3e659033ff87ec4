// Runs .onnx files with ONNX Runtime:  node onnx_runtime.mjs FILE.onnx...
// For each: reads FILE.onnx.in (all inputs, one after another) and FILE.onnx.shapes (of each input a line of sizes), and
// writes FILE.onnx.out, all outputs one after another. onnxruntime-node is looked up in the folder OCTET_JUDGES.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const ort = createRequire(process.env.OCTET_JUDGES + '/')('onnxruntime-node');
const arrays = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array };

async function run(file, optimizations) {
  const session = await ort.InferenceSession.create(file, {
    graphOptimizationLevel: optimizations, intraOpNumThreads: 1, logSeverityLevel: 3,
    extra: { session: { x64quantprecision: '1' } },  // exact products on processors without VNNI
  });
  const bytes = fs.readFileSync(file + '.in'), inputs = {};
  const shapes = fs.readFileSync(file + '.shapes', 'utf8').split('\n').map((s) => s.trim().split(' ').filter(Boolean).map(Number));
  let at = 0;
  session.inputMetadata.forEach(({ name, type }, i) => {
    const size = shapes[i].reduce((a, d) => a * d, 1) * arrays[type].BYTES_PER_ELEMENT;
    const data = new arrays[type](bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + size));
    inputs[name] = new ort.Tensor(type, data, shapes[i]);
    at += size;
  });
  const results = await session.run(inputs);
  const out = session.outputNames.map((n) => results[n].data);
  fs.writeFileSync(file + '.out', Buffer.concat(out.map((d) => Buffer.from(d.buffer, d.byteOffset, d.byteLength))));
}

// Some valid files fail with optimizations only.
for (const file of process.argv.slice(2))
  await run(file, 'all').catch(() => run(file, 'disabled')).catch((e) => console.log(file, e.message));
