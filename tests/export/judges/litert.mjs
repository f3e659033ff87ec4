// Runs .tflite files with LiteRT:  node litert.mjs FILE.tflite...
// For each: reads FILE.tflite.in (one input) and writes FILE.tflite.out, all outputs one after another. @litertjs/core is
// looked up in the folder OCTET_JUDGES, its runner litert_run.mjs in OCTET_LITERT_RUN.
import { spawnSync } from 'node:child_process';

for (const file of process.argv.slice(2)) {
  const run = spawnSync(process.execPath, [process.env.OCTET_LITERT_RUN, file, file + '.in', file + '.out'],
                        { cwd: process.env.OCTET_JUDGES, encoding: 'utf8' });
  if (run.status !== 0 || /ERROR/.test(run.stdout + run.stderr)) console.log(file, run.stdout, run.stderr);
}
