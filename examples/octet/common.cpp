#include "common.hpp"

#include <octet/io/load.hpp>
#include <octet/models/builtin.hpp>
#include "../report/layer_text.hpp"

using namespace octet;

Model open_model(const std::string& name, std::optional<Rounding> rounding, bool keep_layout,
                 const InputShapes& shapes) {
  const bool is_builtin = name.compare(0, 8, "builtin:") == 0;
  require(!is_builtin || shapes.empty(), "--shape does not apply to '", name, "'");
  LoadOptions options;
  options.keep_layout = keep_layout;
  options.input_shapes = shapes;
  Model model = is_builtin ? builtin(name) : load(name, options);
  if (!is_builtin) model.name = std::filesystem::path(name).stem().string();
  if (keep_layout && std::filesystem::path(name).extension() == ".onnx") model.metadata["layout"] = "channels first";
  if (rounding) set_rounding(model, *rounding);
  return model;
}

Model open_planned_model(const std::string& name, const QuantizationPlan& plan, std::optional<Rounding> rounding) {
  const auto fits = [&](const Model& model) {
    const std::vector<std::string> layers = plan_layer_names(optimize(model));
    return layers.size() == plan.layers.size() &&
           std::all_of(layers.begin(), layers.end(), [&](const std::string& l) { return plan.layers.count(l) != 0; });
  };
  Model model = open_model(name, rounding);
  if (fits(model)) return model;
  Model as_stored = open_model(name, rounding, true);
  return fits(as_stored) ? as_stored : model;
}

InputShapes input_shapes(const std::vector<std::string>& options) {
  InputShapes shapes;
  for (const std::string& option : options) {
    const std::size_t equals = option.rfind('=');
    Shape shape;
    bool good = equals != std::string::npos && equals > 0;
    std::istringstream sizes(good ? option.substr(equals + 1) : "");
    for (std::string size; good && std::getline(sizes, size, ',');) {
      good = size == "?" || (!size.empty() && size.size() < 10 && size.find_first_not_of("0123456789") == size.npos);
      if (good) shape.push_back(size == "?" ? Shape::unknown : std::stoll(size));
    }
    require(good, "--shape ", option, ": expected NAME=N,N,..., where ? leaves a size open");
    require(shapes.emplace(option.substr(0, equals), shape).second, "--shape ", option, ": given twice");
  }
  return shapes;
}

bool is_channels_first(const Model& model) {
  const auto layout = model.metadata.find("layout");
  return layout != model.metadata.end() && layout->second == "channels first";
}

bool has_integer_layers(const Model& model) {
  return std::any_of(model.values.begin(), model.values.end(),
                     [](const Value& v) { return v.is_quantized() && !v.is_constant(); });
}

void set_rounding(Model& model, Rounding rounding) {
  require(has_integer_layers(model), "model '", model.name, "' has no integer layers, so --rounding does not apply");
  model.rounding = rounding;
}

void DataOptions::add_to(CLI::App& command) {
  command
      .add_option(
          "--format", format,
          "Format of the data: auto, folder (of images, or with one subfolder per class), csv (file,label), idx "
          "(MNIST), cifar")
      ->check(CLI::IsMember({"auto", "folder", "csv", "idx", "cifar"}))
      ->capture_default_str();
  command.add_option("--labels", labels,
                     "File with the model's classes: one name per line, index:name lines, or a CSV file");
  command.add_option(
      "--classes", classes,
      "CSV file with folder,label, if class folders have other names than the model's classes (synsets). "
      "Default: classes.csv in the data folder or its parent");
}

Labels DataOptions::load_labels(std::int64_t outputs) const {
  if (labels.empty()) return {};
  Labels list = octet::load_labels(labels).fitted(outputs);
  if (list.size() != outputs && outputs > 0)
    std::fprintf(stderr, "octet: warning: '%s' has %lld classes, but the model has %lld outputs\n", labels.c_str(),
                 static_cast<long long>(list.size()), static_cast<long long>(outputs));
  return list;
}

Labels DataOptions::labels_of(const Model& model, std::int64_t outputs) const {
  const auto stored = model.metadata.find("labels");
  if (!labels.empty() || stored == model.metadata.end() || stored->second.empty()) return load_labels(outputs);
  return parse_labels(stored->second, "the list of classes in model '" + model.name + "'").fitted(outputs);
}

void DataOptions::store_labels(Model& model) const {
  if (labels.empty()) return;
  const Shape& s = model.value(model.outputs[0]).shape;
  const bool known = model.outputs.size() == 1 && s.rank() > 0;  // which output has the classes
  model.metadata["labels"] = labels_text(load_labels(known ? s.back() : 0));
}

DatasetPtr DataOptions::open(const std::string& path, const Labels& list, bool with_labels) const {
  DatasetOptions o;
  // Calibration images may have another format than the evaluation data.
  const bool other = !with_labels && path.compare(0, 8, "builtin:") != 0;
  const std::string known = other ? octet::guess_format(path) : "";
  o.format = known.empty() ? format : known;
  o.labels = list;
  o.with_labels = with_labels;
  if (!classes.empty()) o.classes = octet::load_labels(classes);
  return open_dataset(path, o);
}

namespace {

const std::map<std::string, RangeMethod> methods{{"min_max", RangeMethod::min_max},
                                                 {"moving_average", RangeMethod::moving_average},
                                                 {"percentile", RangeMethod::percentile},
                                                 {"entropy", RangeMethod::entropy},
                                                 {"mse", RangeMethod::mse}};
const std::map<std::string, Rounding> roundings{
    {"fp32", Rounding::fp32},     {"double", Rounding::tflite_double},        {"single", Rounding::tflite_single},
    {"litert", Rounding::litert}, {"fp32_centered", Rounding::fp32_centered}, {"xnnpack", Rounding::xnnpack}};

const std::map<std::string, WeightMemory> memories{
    {"fast", WeightMemory::fast}, {"balanced", WeightMemory::balanced}, {"small", WeightMemory::small}};

template <class Map>
std::vector<std::string> keys(const Map& m) {
  std::vector<std::string> k;
  for (const auto& [name, value] : m) k.push_back(name);
  return k;
}

}  // namespace

void QuantizeOptions::add_to(CLI::App& command) {
  command
      .add_option("--method", method,
                  "Method for the ranges of int8 activations: min_max, moving_average, percentile, entropy, mse")
      ->check(CLI::IsMember(keys(methods)))
      ->capture_default_str();
  percent_option_ = command.add_option("--percent", percent, "Percentage of values that --method percentile keeps")
                        ->check(CLI::Range(50.0, 100.0))
                        ->capture_default_str();
  command.add_option("--keep-float", keep_float, "Names of layers that stay float; * matches any text");
  command.add_flag("--per-tensor", per_tensor, "One scale per weight tensor instead of one per output channel");
  command
      .add_option("--equalize", equalize,
                  "Equalize uneven channels between layers (cross-layer equalization) of int8 models: auto (where it "
                  "reduces the error), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  command
      .add_option("--weight-bits", weight_bits,
                  "Bits of the weights of int8 models, 2 to 8. Below 8, their ranges have the least squared error")
      ->check(CLI::Range(2, 8))
      ->capture_default_str();
  command
      .add_option(
          "--weight-block", weight_block,
          "Fully connected layers: inputs of a block of weights, which have a multiplier of their own, 32, 64, "
          "128 or 256. For int8 layers with --weight-bits of at most 4; those with dynamic range have 4 bits then")
      ->check(CLI::IsMember({32, 64, 128, 256}));
  command.add_option("--keep-8-bits", keep_8_bits,
                     "Names of layers whose weights have 8 bits although --weight-bits has fewer; * matches any text");
  command
      .add_option(
          "--small-8-bits", small_8_bits,
          "The smallest layers, which have together this part of all weights, keep 8 bits although --weight-bits "
          "has fewer")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--round", round,
                  "How the weights of int8 models are rounded: nearest, or fast (by the outputs of layers on the "
                  "calibration data)")
      ->check(CLI::IsMember({"nearest", "fast"}))
      ->capture_default_str();
  add_rounding(command, rounding);
}

CalibrationOptions QuantizeOptions::calibration(const ExecutorOptions& executor) const {
  CalibrationOptions c;
  c.method = methods.at(method);
  c.percent = percent;
  c.executor = executor;
  return c;
}

void QuantizeOptions::check() const {
  require(percent_option_->count() == 0 || method == "percentile", "--percent requires --method percentile, found ",
          method);
  require(keep_8_bits.empty() || weight_bits < 8, "--keep-8-bits requires --weight-bits of less than 8");
  require(small_8_bits == 0 || weight_bits < 8, "--small-8-bits requires --weight-bits of less than 8");
}

WeightOptions QuantizeOptions::dynamic() const {
  WeightOptions d;
  d.per_channel = !per_tensor;
  d.keep_float = keep_float;
  d.weight_block = weight_block;
  return d;
}

Int8Options QuantizeOptions::int8() const {
  Int8Options i;
  i.per_channel = !per_tensor;
  i.keep_float = keep_float;
  i.equalize = equalize == "always" ? Equalize::always : equalize == "never" ? Equalize::never : Equalize::where_better;
  i.rounding = rounding.value_or(Rounding::fp32);
  i.weight_bits = weight_bits;
  if (weight_bits < 8) i.weights = RangeMethod::mse;
  i.weight_block = weight_block;
  i.keep_8_bits = keep_8_bits;
  i.small_8_bits = small_8_bits;
  i.round = round == "fast" ? RoundWeights::fast : RoundWeights::nearest;
  return i;
}

CLI::Range at_least(std::int64_t least) { return CLI::Range(least, std::int64_t{1'000'000'000}); }

CLI::Option* add_threads(CLI::App& command, int& threads) {
  return command.add_option("--threads", threads, "Number of threads (0: one per processor)")
      ->check(CLI::Range(0, ThreadPool::max_threads))
      ->capture_default_str();
}

void add_rounding(CLI::App& command, std::optional<Rounding>& rounding) {
  command
      .add_option_function<std::string>(
          "--rounding", [&rounding](const std::string& name) { rounding = roundings.at(name); },
          "How integer layers requantize: fp32, or as TFLite's kernels: double, single, litert (one or the other, by "
          "layer, as LiteRT does), xnnpack (as LiteRT with XNNPACK); fp32_centered: fp32 as in .octet files of version "
          "2. Default: as stored in the "
          "model file, else fp32")
      ->check(CLI::IsMember(keys(roundings)));
}

std::string rounding_name(Rounding rounding) {
  for (const auto& [name, value] : roundings)
    if (value == rounding) return name;
  return "?";
}

void add_force(CLI::App& command, bool& force) {
  command.add_flag("--force", force, "Overwrite existing files even if octet did not write them");
}

CLI::Option* add_memory(CLI::App& command, WeightMemory& memory) {
  return command
      .add_option_function<std::string>(
          "--memory", [&memory](const std::string& name) { memory = memories.at(name); },
          "Memory for transformed weights of 3x3 convolutions, which make them faster: fast (8 times the size of int8 "
          "weights, 4 times that of others), balanced (only for small images), small (none)")
      ->check(CLI::IsMember(keys(memories)))
      ->default_str("fast");
}

ExecutorOptions with_threads(int threads, WeightMemory memory) {
  ExecutorOptions o;
  o.memory = memory;
  o.pool = threads > 0 ? std::make_shared<ThreadPool>(threads) : default_pool();
  return o;
}

void add_full_names(CLI::App& command, bool& full) {
  command.add_flag("--full-names", full, "Do not shorten names of layers");
}

std::vector<std::string> layer_names(const Graph& g, bool full) {
  std::vector<std::string> names;
  for (const Node& n : g.nodes) names.push_back(n.name);
  return full ? names : report::short_names(std::move(names));
}

std::int64_t output_classes(const Model& model, const ImageInput& input) {
  require<ShapeError>(model.outputs.size() == 1, "model '", model.name, "' has ", model.outputs.size(),
                      " outputs, expected one with a score for each class (run --save writes all outputs)");
  const Shape s = model.infer_shapes({input.shape()})[static_cast<std::size_t>(model.outputs[0])];
  require<ShapeError>(s.rank() > 0 && s.known() && s.elements() == s.back() && s.back() > 0, "model '", model.name,
                      "': expected one output per class, found output shape ", s, " (run --save writes all outputs)");
  return s.back();
}

void print_notes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) std::fprintf(stderr, "octet: note: %s\n", report::printable(note).c_str());
}

std::string counted(std::int64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}
