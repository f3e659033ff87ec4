#include <iostream>
#include <octet/export/cpp/cpp.hpp>

#include "commands.hpp"
#include "common.hpp"

using namespace octet;

namespace {

struct ExportArguments {
  std::string model, folder, name = "model";
  std::optional<Rounding> rounding;
  bool integers = false, cmsis_nn = false, force = false;
};

void export_command(const ExportArguments& o) {
  OutputCheck check({o.model}, o.force);
  CppOptions options;
  options.name = o.name;
  options.integer_ends = o.integers;
  options.cmsis_nn = o.cmsis_nn;
  const CppSource planned = write_cpp(open_model(o.model, o.rounding), options);  // its files' names, before any folder
  const std::filesystem::path folder(o.folder);
  std::error_code error;
  if (std::filesystem::exists(folder, error))
    for (const CppSource::File& f : planned.files) check.writes((folder / f.name).string(), FileKind::source);
  save_cpp(planned, o.folder);
  for (const CppSource::File& f : planned.files) std::cout << (folder / f.name).string() << "\n";
  std::cout << "constants (flash): " << planned.constant_bytes << " bytes\narena (RAM): " << planned.arena_bytes
            << " bytes, and the inputs and outputs of the caller\n";
  if (o.cmsis_nn) std::cout << "CMSIS-NN: " << planned.cmsis_nn_layers << " of " << planned.layers << " layers\n";
  for (const std::string& note : planned.notes) std::cout << "note: " << note << "\n";
}

}  // namespace

void add_export(CLI::App& app) {
  auto o = std::make_shared<ExportArguments>();
  CLI::App* c = app.add_subcommand(
      "export", "Writes an int8 model as C++ source for microcontrollers: no heap, no library, the same bits");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file of an int8 model")->required();
  c->add_option("--cpp", o->folder, "Output folder")->required();
  c->add_option("--name", o->name, "Name of the files and of the namespace")->capture_default_str();
  c->add_flag("--integers", o->integers,
              "Inputs and outputs are codes where the model converts floats from or to them");
  c->add_flag(
      "--cmsis-nn", o->cmsis_nn,
      "Layers that Arm's CMSIS-NN has call its functions. The rounding is that of CMSIS-NN: `double` unless the "
      "model has it or `single`");
  add_rounding(*c, o->rounding);
  add_force(*c, o->force);
  c->callback([o] { export_command(*o); });
}
