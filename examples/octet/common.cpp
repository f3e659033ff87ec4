#include "common.hpp"

#include <octet/io/load.hpp>
#include <octet/models/builtin.hpp>
#include <octet/report/layer_text.hpp>

using namespace octet;

Model open_model(const std::string& name, std::optional<Rounding> rounding) {
  const bool is_builtin = name.compare(0, 8, "builtin:") == 0;
  Model model = is_builtin ? builtin(name) : load(name);
  if (!is_builtin) model.name = std::filesystem::path(name).stem().string();
  if (rounding) set_rounding(model, *rounding);
  return model;
}

bool has_integer_layers(const Model& model) {
  return std::any_of(model.values.begin(), model.values.end(),
                     [](const Value& v) { return v.is_quantized() && !v.is_constant(); });
}

void set_rounding(Model& model, Rounding rounding) {
  octet::detail::require(has_integer_layers(model), "model '", model.name,
                         "' has no integer layers: --rounding says nothing about it");
  model.rounding = rounding;
}

void ImageOptions::add_to(CLI::App& command) {
  command
      .add_option("--preprocess", preprocess,
                  "How pixels become inputs: tf (x/127.5-1), torch (/255, mean and deviation of ImageNet), "
                  "caffe (BGR minus mean), "
                  "unit (/255), raw (0..255). Default: what the model's file says; the pixels as they are "
                  "where it takes integers; else tf")
      ->check(CLI::IsMember(normalization_names()));
  command
      .add_option("--crop", crop,
                  "Part of the short side that is used, from the middle. Default: 0.875, or everything where "
                  "the image has the right size")
      ->check(CLI::Range(0.01, 1.0));
  command
      .add_option("--resize", resize,
                  "bilinear (as TensorFlow 1: no half-pixel shift), half_pixel, antialias (as Pillow), nearest")
      ->check(CLI::IsMember(resize_names()))
      ->capture_default_str();
  command.add_option("--size", size, "Height and width of the images, where the model leaves them open")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
}

std::string ImageOptions::recipe(const Model& model, const ImageInput& input) const {
  if (!preprocess.empty()) return preprocess;
  if (input.takes_bytes()) return "pixels";
  const auto said = model.metadata.find("preprocess");
  const auto& known = normalization_names();
  return said != model.metadata.end() && std::find(known.begin(), known.end(), said->second) != known.end()
             ? said->second
             : "tf";
}

Preprocessing ImageOptions::preprocessing(const Model& model, const ImageInput& input) const {
  const std::string name = recipe(model, input);
  return {crop, resize_mode(resize), name == "pixels" ? input.as_pixels() : normalization(name)};
}

std::string ImageOptions::describe(const Model& model, const ImageInput& input) const {
  return recipe(model, input) + (crop ? ", crop " + octet::detail::significant(*crop) : std::string()) + ", " + resize;
}

void DataOptions::add_to(CLI::App& command) {
  command
      .add_option("--format", format,
                  "Of the data: auto, folder (of images, or one for each class), csv (file,label), idx "
                  "(MNIST), cifar")
      ->check(CLI::IsMember({"auto", "folder", "csv", "idx", "cifar"}))
      ->capture_default_str();
  command.add_option("--labels", labels, "The model's classes: a name a line, index:name lines, or a csv");
  command.add_option("--classes", classes,
                     "A csv of folder,label where class folders have other names (synsets). Default: "
                     "classes.csv in the data's folder or above");
}

Labels DataOptions::load_labels(std::int64_t outputs) const {
  if (labels.empty()) return {};
  const Labels list = octet::load_labels(labels).fitted(outputs);
  if (list.size() != outputs)
    std::fprintf(stderr, "octet: warning: '%s' has %lld classes, but the model has %lld outputs\n", labels.c_str(),
                 static_cast<long long>(list.size()), static_cast<long long>(outputs));
  return list;
}

DatasetPtr DataOptions::open(const std::string& path, const Labels& list, bool with_labels) const {
  DatasetOptions o;
  // Images to calibrate with may come in another format than those to measure with.
  const bool other = !with_labels && path.compare(0, 8, "builtin:") != 0;
  const std::string known = other ? octet::detail::guess_format(path) : "";
  o.format = known.empty() ? format : known;
  o.labels = list, o.with_labels = with_labels;
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
    {"fp32", Rounding::fp32}, {"double", Rounding::tflite_double}, {"single", Rounding::tflite_single}};

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
                  "How int8's ranges of activations are chosen: min_max, moving_average, percentile, entropy, mse")
      ->check(CLI::IsMember(keys(methods)))
      ->capture_default_str();
  command.add_option("--percent", percent, "What the percentile method keeps")
      ->check(CLI::Range(50.0, 100.0))
      ->capture_default_str();
  command.add_option("--keep-float", keep_float, "Layers that stay float, by name; * stands for any text");
  command.add_flag("--per-tensor", per_tensor,
                   "One scale for each weight tensor instead of one for each output channel");
  add_rounding(command, rounding);
}

CalibrationOptions QuantizeOptions::calibration(const ExecutorOptions& executor) const {
  CalibrationOptions c;
  c.method = methods.at(method), c.percent = percent, c.executor = executor;
  return c;
}

WeightOptions QuantizeOptions::dynamic() const {
  WeightOptions d;
  d.per_channel = !per_tensor, d.keep_float = keep_float;
  return d;
}

Int8Options QuantizeOptions::int8() const {
  Int8Options i;
  i.per_channel = !per_tensor, i.keep_float = keep_float, i.rounding = rounding.value_or(Rounding::fp32);
  return i;
}

CLI::Range at_least(std::int64_t least) { return CLI::Range(least, std::int64_t{1'000'000'000}); }

void add_threads(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads of the models (0: one for each processor)")
      ->check(CLI::Range(0, ThreadPool::max_threads))
      ->capture_default_str();
}

void add_rounding(CLI::App& command, std::optional<Rounding>& rounding) {
  command
      .add_option_function<std::string>(
          "--rounding", [&rounding](const std::string& name) { rounding = roundings.at(name); },
          "How integer layers round: fp32, or as TFLite's kernels do: double, single. Default: as the model's file "
          "says, "
          "else fp32")
      ->check(CLI::IsMember(keys(roundings)));
}

std::string rounding_name(Rounding rounding) {
  for (const auto& [name, value] : roundings)
    if (value == rounding) return name;
  return "?";
}

void add_force(CLI::App& command, bool& force) {
  command.add_flag("--force", force, "Write over files that are there already, even if octet did not write them");
}

void add_memory(CLI::App& command, WeightMemory& memory) {
  command
      .add_option_function<std::string>(
          "--memory", [&memory](const std::string& name) { memory = memories.at(name); },
          "What 3x3 convolutions may spend on transformed weights to be faster: fast (8 times int8 weights, 4 times "
          "others), balanced (the same for small images, nothing that stays for large ones), small (nothing)")
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
  command.add_flag("--full-names", full, "Names of layers as they are, however long");
}

std::vector<std::string> layer_names(const Graph& g, bool full) {
  std::vector<std::string> names;
  for (const Node& n : g.nodes) names.push_back(n.name);
  return full ? names : short_names(std::move(names));
}

std::int64_t output_classes(const Model& model, const ImageInput& input) {
  octet::detail::require<ShapeError>(model.outputs.size() == 1, "model '", model.name, "' has ", model.outputs.size(),
                                     " outputs; one was expected");
  const Shape s = model.infer_shapes({input.shape()})[static_cast<std::size_t>(model.outputs[0])];
  octet::detail::require<ShapeError>(s.rank() > 0 && s.elements() == s.back() && s.back() > 0, "model '", model.name,
                                     "' gives ", s, " for an image; a number for each class was expected");
  return s.back();
}

std::string counted(std::int64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}
