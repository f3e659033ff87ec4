#include "sizes.hpp"

#include "../common/text.hpp"

using namespace octet;

namespace {

constexpr std::int64_t largest = 1 << 24;

/// The names of the dimensions of an input.
std::vector<std::string> dimension_names(const Shape& s) {
  const auto is_channels = [](std::int64_t d) { return d == 1 || d == 3; };
  const bool channels_first = s.rank() == 4 && is_channels(s[1]) && !is_channels(s[3]);
  if (channels_first) return {"batch", "channels", "height", "width"};
  if (s.rank() == 4) return {"batch", "height", "width", "channels"};
  std::vector<std::string> names;
  for (int d = 0; d < s.rank(); ++d) names.push_back(d == 0 ? "batch" : "dim" + std::to_string(d));
  return names;
}

/// Whether `given` means dimension d of input v: by the name of the file, or else by our own.
bool means(const std::string& given, const Model& model, const Value& v, int d, const std::string& own) {
  const std::string name = dimension_name(model.metadata, v.name, d);
  return given == own || given == v.name + "." + own ||
         (!name.empty() && (given == name || given == v.name + "." + name));
}

std::int64_t number(const std::string& text, const std::string& option) {
  std::int64_t n = 0;
  bool good = !text.empty() && text.size() < 10;
  for (char c : text) {
    good = good && c >= '0' && c <= '9';
    n = good ? n * 10 + (c - '0') : 0;
  }
  require(good && n >= 1 && n <= largest, "--size ", option, ": expected a number from 1 to ", largest, ", found '",
          text, "'");
  return n;
}

}  // namespace

void InputSizes::add_to(CLI::App& command) {
  command
      .add_option(
          "--size", given,
          "Size of the dimensions that the model leaves open (default: 224), or NAME=N for one of them: height, "
          "width, channels (dim1, dim2, ... of inputs that are not images), or its name in the file; INPUT.NAME=N for "
          "one input. Can be given several times")
      ->allow_extra_args(false);
  batch_option_ = command.add_option("--batch", batch, "Batch size, if the model leaves it open")
                      ->check(CLI::Range(1, 65536))
                      ->capture_default_str();
}

std::vector<Shape> InputSizes::shapes(const Model& model) const {
  std::vector<std::pair<std::string, std::int64_t>> named;
  std::int64_t other = 224;
  bool other_given = false;
  for (const std::string& option : given) {
    const std::size_t at = option.rfind('=');
    if (at == std::string::npos) {
      other = number(option, option);
      other_given = true;
    } else {
      named.emplace_back(option.substr(0, at), number(option.substr(at + 1), option));
    }
  }
  std::vector<bool> used(named.size(), false);
  bool other_used = false, batch_used = false;
  std::string open;
  std::vector<Shape> shapes;
  for (int i : model.inputs) {
    const Value& v = model.value(i);
    Shape s = v.shape;
    const std::vector<std::string> names = dimension_names(s);
    for (int d = 0; d < s.rank(); ++d) {
      if (s[d] >= 0) continue;
      const std::string& own = names[static_cast<std::size_t>(d)];
      const std::string in_file = dimension_name(model.metadata, v.name, d);
      open += (open.empty() ? "" : ", ") + (model.inputs.size() > 1 ? v.name + "." : std::string()) +
              (in_file.empty() ? own : in_file);
      s[d] = d == 0 ? batch : other;
      batch_used = batch_used || d == 0;
      bool found = false;
      for (std::size_t k = 0; k < named.size(); ++k)
        if (means(named[k].first, model, v, d, own)) {
          s[d] = named[k].second;
          found = used[k] = true;
        }
      other_used = other_used || (d != 0 && !found);
    }
    shapes.push_back(s);
  }
  const std::string has = open.empty() ? "it has no open dimensions" : "its open dimensions: " + open;
  for (std::size_t k = 0; k < named.size(); ++k)
    require(used[k], "--size ", named[k].first, ": model '", model.name, "' does not leave that dimension open; ", has);
  require(other_used || !other_given, "--size ", other, ": no dimension of model '", model.name, "' is left; ", has);
  const auto all_have_batch = [&] {
    for (const Shape& s : shapes)
      if (s.rank() == 0 || s[0] != batch) return false;
    return true;
  };
  require(!batch_option_ || batch_option_->count() == 0 || batch_used || all_have_batch(), "--batch ", batch,
          ": model '", model.name, "' has a fixed batch size; ", has);
  return shapes;
}
