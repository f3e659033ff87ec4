#include <cstdio>
#include <cstdlib>
#include <octet/data/preprocessing.hpp>

#include "../report/table.hpp"
#include "common.hpp"

using namespace octet;

namespace {

/// What the model's file says under a key; empty if nothing.
std::string stored(const Model& model, const std::string& key) {
  const auto found = model.metadata.find(key);
  return found == model.metadata.end() ? std::string() : found->second;
}

bool is_one_of(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const std::string default_resize = "bilinear";

}  // namespace

void require_not_given(const CLI::App& command, const std::vector<std::string>& options, const std::string& why) {
  for (const std::string& name : options)
    if (const CLI::Option* o = command.get_option_no_throw(name)) require(o->count() == 0, name, ": ", why);
}

void ImageOptions::add_to(CLI::App& command) {
  command_ = &command;
  command
      .add_option(
          "--preprocess", preprocess,
          "Normalization of pixels: tf (x/127.5-1), torch (x/255, then ImageNet's mean and standard deviation), "
          "caffe (BGR minus mean), unit (x/255), raw (0..255). Default: as stored in the model file; raw pixels "
          "if the model takes integers; else tf")
      ->check(CLI::IsMember(normalization_names()));
  command
      .add_option(
          "--crop", crop,
          "Size of the center crop relative to the largest possible one. Default: as stored in the model file; else "
          "0.875, or the whole image if it has the model's size")
      ->check(CLI::Range(0.01, 1.0));
  command
      .add_option(
          "--resize", resize,
          "Interpolation: bilinear (as TensorFlow 1, without half-pixel centers), half_pixel, antialias (as Pillow), "
          "nearest. Default: as stored in the model file, else bilinear")
      ->check(CLI::IsMember(resize_names()));
  command.add_option("--size", size, "Height and width of the images, if the model leaves them unknown")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
}

std::string ImageOptions::recipe(const Model& model, const ImageInput& input) const {
  if (!preprocess.empty()) return preprocess;
  if (input.takes_bytes()) return "pixels";
  const std::string said = stored(model, "preprocess");
  return is_one_of(said, normalization_names()) ? said : "tf";
}

std::optional<double> ImageOptions::crop_for(const Model& model) const {
  const std::string said = stored(model, "crop");
  if (crop || said.empty()) return crop;
  char* end = nullptr;
  const double value = std::strtod(said.c_str(), &end);
  return *end == 0 && value > 0 && value <= 1 ? std::optional<double>(value) : std::nullopt;
}

std::string ImageOptions::resize_for(const Model& model) const {
  if (!resize.empty()) return resize;
  const std::string said = stored(model, "resize");
  return is_one_of(said, resize_names()) ? said : default_resize;
}

Preprocessing ImageOptions::preprocessing(const Model& model, const ImageInput& input) const {
  require(command_->get_option("--size")->empty() || input.height() == size || input.width() == size, "--size ", size,
          " has no effect: model '", model.name, "' takes images of ", input.height(), " x ", input.width());
  const std::string name = recipe(model, input);
  return {crop_for(model), resize_mode(resize_for(model)), name == "pixels" ? input.as_pixels() : normalization(name)};
}

std::string ImageOptions::describe(const Model& model, const ImageInput& input) const {
  const std::optional<double> part = crop_for(model);
  const std::string used = recipe(model, input);
  const std::string text =
      used + (part ? ", crop " + report::significant(*part) : std::string()) + ", " + resize_for(model);
  if (!preprocess.empty()) return text;
  if (used == "pixels") return text + " (the model takes integers)";
  return text + (used == stored(model, "preprocess") ? " (stored in the model)" : " (the default)");
}

void ImageOptions::note(const Model& model, const ImageInput& input) const {
  if (preprocess.empty())
    std::fprintf(stderr, "octet: note: preprocessing %s\n", describe(model, input).c_str());
  else
    warn(model);
}

void ImageOptions::warn(const Model& model) const {
  const std::string said = stored(model, "preprocess");
  if (!preprocess.empty() && !said.empty() && said != preprocess)
    std::fprintf(stderr, "octet: warning: the model file says --preprocess %s, but %s is given\n",
                 report::printable(said).c_str(), preprocess.c_str());
}

void ImageOptions::store(Model& model, const ImageInput& input) const {
  const std::string resized = resize_for(model);
  if (const std::string name = recipe(model, input); name != "pixels") model.metadata["preprocess"] = name;
  if (const auto part = crop_for(model)) model.metadata["crop"] = concat(*part);
  if (resized != default_resize) model.metadata["resize"] = resized;
}

void ImageOptions::require_unused(const std::string& what) const {
  require_not_given(*command_, {"--preprocess", "--crop", "--resize", "--size"}, what);
}
