#pragma once
#include <algorithm>
#include <cmath>

#include "../core/element.hpp"
#include "../core/parallel_checked.hpp"
#include "../runtime/input_type.hpp"
#include "input_set.hpp"

OCTET_BEGIN

namespace detail {

/// Images, prepared for a model.
class ImageInputs : public InputSet {
 public:
  ImageInputs(const Model& model, DatasetPtr images, const Preprocessing& preprocessing, std::int64_t size)
      : images_(std::move(images)), preprocessing_(preprocessing), input_(model, size) {
    value_ = model.value(model.inputs[0]);
  }
  std::int64_t size() const override { return images_->size(); }
  std::vector<AnyTensor> inputs(std::int64_t i) const override {
    return {as_input(value_, input_.prepare(images_->image(i), preprocessing_))};
  }
  std::string name(std::int64_t i) const override { return images_->name(i); }

 private:
  DatasetPtr images_;
  Preprocessing preprocessing_;
  ImageInput input_;
  Value value_;
};

/// A part of another set.
class InputRange : public InputSet {
 public:
  InputRange(InputSetPtr all, std::int64_t from, std::int64_t size) : all_(std::move(all)), from_(from), size_(size) {
    require(from >= 0 && size >= 0 && from + size <= all_->size(), "expected samples within [0, ", all_->size(),
            "), found [", from, ", ", from + size, ")");
  }
  std::int64_t size() const override { return size_; }
  std::vector<AnyTensor> inputs(std::int64_t i) const override { return all_->inputs(from_ + i); }
  std::string name(std::int64_t i) const override { return all_->name(from_ + i); }

 private:
  InputSetPtr all_;
  std::int64_t from_, size_;
};

inline bool has_only_finite(const AnyTensor& t) {
  if (!is_floating(t.dtype())) return true;
  const std::int64_t size = t.size();
  if (t.dtype() == DType::f32) {
    const float* x = t.ref().as<float>();
    return std::all_of(x, x + size, [](float y) { return std::isfinite(y); });
  }
  for (std::int64_t i = 0; i < size; ++i)
    if (!std::isfinite(load_element(t.dtype(), t.data(), i))) return false;
  return true;
}

}  // namespace detail

OCTET_API InputSetPtr image_inputs(const Model& model, DatasetPtr images, const Preprocessing& preprocessing,
                                   std::int64_t size) {
  return std::make_shared<detail::ImageInputs>(model, std::move(images), preprocessing, size);
}

OCTET_API InputSetPtr part_of(InputSetPtr all, std::int64_t from, std::int64_t size) {
  return std::make_shared<detail::InputRange>(std::move(all), from, size);
}

OCTET_API std::vector<std::vector<AnyTensor>> load_inputs(const InputSet& samples, std::int64_t from, std::int64_t to,
                                                          ThreadPool& pool) {
  std::vector<std::vector<AnyTensor>> loaded(static_cast<std::size_t>(to - from));
  detail::parallel_checked(pool, to - from, [&](std::int64_t i, int) {
    std::vector<AnyTensor>& sample = loaded[static_cast<std::size_t>(i)];
    sample = samples.inputs(from + i);
    for (const AnyTensor& t : sample)
      detail::require<FormatError>(detail::has_only_finite(t), "'", samples.name(from + i),
                                   "': the input of the model has NaN or infinite elements");
  });
  return loaded;
}

OCTET_API AnyTensor as_input(const Value& input, const Tensor<float>& values) {
  return detail::to_input_type(input, values);
}

OCTET_END
