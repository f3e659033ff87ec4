#include <iostream>
#include <octet/io/model_file.hpp>

#include "../report/table.hpp"
#include "check.hpp"
#include "commands.hpp"
#include "common.hpp"

using namespace octet;

namespace {

struct ConvertArguments {
  std::string model, out, onnx = "uint8";
  std::vector<std::string> shapes;
  bool external_data = false, force = false;
  CheckOptions check;
  DataOptions source;
};

void convert_command(ConvertArguments& o, const CLI::App& command) {
  o.check.shapes = input_shapes(o.shapes);
  if (o.check.input.empty()) {
    require_not_given(command, {"--check-limit"}, "requires --check");
    o.check.images.require_unused("without --check, no image is read");
  }
  OutputCheck check({o.model, o.check.input, o.source.labels}, o.force);
  check.writes(o.out, FileKind::model);
  SaveOptions options;
  options.onnx = o.onnx == "uint8"  ? OnnxForm::unsigned_codes
                 : o.onnx == "int8" ? OnnxForm::signed_codes
                                    : OnnxForm::symmetric;
  options.external_data = o.external_data;
  std::vector<std::string> notes;
  options.notes = &notes;
  Model model = open_model(o.model, {}, false, o.check.shapes);
  o.source.store_labels(model);
  const std::vector<AnyTensor> inputs = check_inputs(o.model, model, o.check);
  save(model, o.out, options);
  print_notes(notes);
  std::cout << o.out << ": " << report::megabytes(static_cast<std::int64_t>(std::filesystem::file_size(o.out)))
            << " MB\n";
  if (!o.check.input.empty()) check_conversion(model, inputs, o.out, o.check.limit);
}

}  // namespace

void add_convert(CLI::App& app) {
  auto o = std::make_shared<ConvertArguments>();
  CLI::App* c = app.add_subcommand("convert", "Writes a model in another file format, without quantizing it again");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("out", o->out, "Output file: .onnx, .tflite or .octet")->required();
  c->add_option(
       "--onnx", o->onnx,
       "Activations of integer models in .onnx files: uint8 (ONNX Runtime), int8, or symmetric (int8 with zero "
       "points 0, TensorRT)")
      ->check(CLI::IsMember({"uint8", "int8", "symmetric"}))
      ->capture_default_str();
  c->add_option("--shape", o->shapes,
                "NAME=N,N,...: the shape of an input that the model leaves open, in the layout of the file (ONNX: "
                "N,C,H,W); ? leaves a size open. What the model computes from sizes becomes constant. Can be given "
                "several times")
      ->allow_extra_args(false);
  c->add_flag("--external-data", o->external_data, "Large constants of an .onnx file are in a file beside it");
  c->add_option("--labels", o->source.labels,
                "Classes to store in the file: one name per line, index:name lines, or a CSV file");
  add_force(*c, o->force);
  o->check.add_to(*c);
  c->callback([o, c] { convert_command(*o, *c); });
}
