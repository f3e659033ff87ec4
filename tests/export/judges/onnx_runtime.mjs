// Runs .onnx files with ONNX Runtime:  node onnx_runtime.mjs FILE.onnx...
// For each: reads FILE.onnx.in (one input, [N, C, ...] as the file has it) and writes FILE.onnx.out, all outputs one after
// another. onnxruntime-node is looked up in the folder OCTET_JUDGES.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const ort = createRequire(process.env.OCTET_JUDGES + '/')('onnxruntime-node');
const arrays = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array };
for (const file of process.argv.slice(2)) {
  const session = await ort.InferenceSession.create(file, {
    graphOptimizationLevel: 'all', intraOpNumThreads: 1, logSeverityLevel: 3,
    extra: { session: { x64quantprecision: '1' } },  // exact products on processors without VNNI
  });
  const { type, shape } = session.inputMetadata[0];
  const bytes = fs.readFileSync(file + '.in');
  const data = new arrays[type](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const dims = shape.map((d) => (typeof d === 'number' && d > 0 ? d : 0));
  const known = dims.reduce((a, d) => a * (d || 1), 1);
  if (dims.includes(0)) dims[dims.indexOf(0)] = data.length / known;
  const results = await session.run({ [session.inputNames[0]]: new ort.Tensor(type, data, dims) });
  const out = session.outputNames.map((n) => results[n].data);
  fs.writeFileSync(file + '.out', Buffer.concat(out.map((d) => Buffer.from(d.buffer, d.byteOffset, d.byteLength))));
}
