#include "tensors.hpp"

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <octet/comparison/output_errors.hpp>
#include <octet/data/input_files.hpp>
#include <octet/data/npy.hpp>
#include <random>

#include "../common/text.hpp"
#include "../report/table.hpp"
#include "common.hpp"

using namespace octet;

namespace {

struct GivenFile {
  std::string input, path;  // input: empty if not named
};

std::string names_of_inputs(const Model& model) {
  std::string names;
  for (int v : model.inputs) names += (names.empty() ? "'" : ", '") + model.value(v).name + "'";
  return names;
}

GivenFile parsed(const Model& model, const std::string& text) {
  for (int v : model.inputs) {
    const std::string& name = model.value(v).name;
    if (text.compare(0, name.size(), name) == 0 && text.size() > name.size() && text[name.size()] == '=')
      return {name, text.substr(name.size() + 1)};
  }
  const std::size_t at = text.find('=');
  std::error_code error;
  require(at == std::string::npos || std::filesystem::exists(text, error), "--input ", text, ": model '", model.name,
          "' has no input '", text.substr(0, at), "'; its inputs: ", names_of_inputs(model));
  return {"", text};
}

bool is_archive(const std::string& path) { return std::filesystem::path(path).extension() == ".npz"; }

}  // namespace

std::vector<std::string> input_files(const Model& model, const std::vector<std::string>& given) {
  std::vector<std::string> files;
  for (const std::string& text : given) files.push_back(parsed(model, text).path);
  return files;
}

std::vector<AnyTensor> read_inputs(const Model& model, const std::vector<std::string>& given) {
  std::map<std::string, AnyTensor> found;
  const auto put = [&](const std::string& input, const AnyTensor& tensor, const std::string& file) {
    for (int v : model.inputs)
      if (model.value(v).name == input)
        require(found.emplace(input, fitted_input(model.value(v), tensor, file)).second, "input '", input,
                "' is given twice");
  };
  std::vector<std::string> without_name;
  for (const std::string& text : given) {
    const GivenFile f = parsed(model, text);
    if (!is_archive(f.path)) {
      if (f.input.empty())
        without_name.push_back(f.path);
      else
        put(f.input, load_npy(f.path), f.path);
      continue;
    }
    const auto arrays = load_npz(f.path);
    const bool only = arrays.size() == 1 && (model.inputs.size() == 1 || !f.input.empty());
    bool any = false;
    for (int v : model.inputs) {
      const std::string& name = model.value(v).name;
      auto array = arrays.find(name);
      if (array == arrays.end()) array = arrays.find(file_name_of(name));
      if (array == arrays.end() && only) array = arrays.begin();
      if (array == arrays.end() || (!f.input.empty() && f.input != name)) continue;
      put(name, array->second, f.path);
      any = true;
    }
    require(any, "'", f.path, "' has no array of an input; the inputs of model '", model.name,
            "': ", names_of_inputs(model));
  }
  std::vector<AnyTensor> inputs;
  std::size_t next = 0;
  for (int v : model.inputs) {
    const std::string& name = model.value(v).name;
    if (found.count(name) == 0) {
      require(next < without_name.size(), "input '", name, "' of model '", model.name, "' is missing (--input ", name,
              "=FILE.npy)");
      put(name, load_npy(without_name[next]), without_name[next]);
      ++next;
    }
    inputs.push_back(found.at(name));
  }
  require(next == without_name.size(), "--input ", next < without_name.size() ? without_name[next] : "", ": model '",
          model.name, "' has only ", counted(static_cast<std::int64_t>(model.inputs.size()), "input"), ": ",
          names_of_inputs(model));
  return inputs;
}

std::vector<std::string> output_files(const Model& model, const std::string& folder) {
  std::vector<std::string> names, files;
  for (int v : model.outputs) names.push_back(model.value(v).name);
  for (const std::string& name : file_names_of(names))
    files.push_back((std::filesystem::path(folder) / (name + ".npy")).string());
  return files;
}

std::string output_table(const Model& model, const std::vector<AnyTensor>& outputs) {
  report::TextTable table({"Output", "Type", "Shape", "Min", "Max", "Mean", "NaN"});
  const std::vector<Tensor<float>> values = real_outputs(model, outputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0;
    std::int64_t count = 0;
    for (float x : values[i]) {
      if (std::isnan(x)) continue;
      low = std::min(low, static_cast<double>(x));
      high = std::max(high, static_cast<double>(x));
      sum += static_cast<double>(x);
      ++count;
    }
    const auto text = [&](double x) { return count > 0 ? concat(x) : std::string("-"); };
    table.add({model.value(model.outputs[i]).name, name(outputs[i].dtype()), to_string(outputs[i].shape()), text(low),
               text(high), text(sum / static_cast<double>(std::max<std::int64_t>(count, 1))),
               std::to_string(values[i].size() - count)});
  }
  return table.str();
}

AnyTensor random_input(const Value& input, const Shape& shape) {
  std::mt19937_64 random;
  if (input.dtype == DType::u8 && !input.quant) {
    Tensor<uint8> pixels = Tensor<uint8>::uninitialized(shape);
    for (uint8& p : pixels) p = static_cast<uint8>(random() >> 56);
    return pixels;
  }
  if (!is_floating(input.dtype) && !input.quant)  // indices, lengths or flags: zeros are valid most often
    return AnyTensor::make(input.dtype, shape, [](std::byte*) {});
  Tensor<float> x = Tensor<float>::uninitialized(shape);
  for (float& v : x) v = static_cast<float>(random() >> 40) * 0x1p-23f - 1;
  return as_input(input, x);
}
