// Runs .tflite files with LiteRT:  node litert.mjs [--builtin] FILE.tflite...
// For each: reads FILE.tflite.in (all inputs, one after another) and writes FILE.tflite.out, all outputs one after
// another. @litertjs/core is looked up in the folder OCTET_JUDGES, its runner litert_run.mjs in OCTET_LITERT_RUN.
// --builtin: LiteRT's own kernels in place of XNNPACK.
import { spawnSync } from 'node:child_process';

const all = process.argv.slice(2), options = all.filter((a) => a === '--builtin');
for (const file of all.filter((a) => !a.startsWith('--'))) {
  const run = spawnSync(process.execPath, [process.env.OCTET_LITERT_RUN, file, file + '.in', file + '.out', ...options],
                        { cwd: process.env.OCTET_JUDGES, encoding: 'utf8' });
  if (run.status !== 0 || /ERROR/.test(run.stdout + run.stderr)) console.log(file, run.stdout, run.stderr);
}
