#pragma once
#include "../implement.hpp"
#include "sizes_of.hpp"

OCTET_BEGIN
namespace detail {

class SizesOfStep : public Step {
 public:
  explicit SizesOfStep(std::vector<std::int64_t> axes) : axes_(std::move(axes)) {}
  void run(const RunContext& c) noexcept override {
    const Shape& s = c.inputs[0].shape;
    auto* to = reinterpret_cast<std::int64_t*>(c.output());
    for (std::int64_t a : axes_) *to++ = s[static_cast<int>(a < 0 ? a + s.rank() : a)];
  }

 private:
  std::vector<std::int64_t> axes_;
};

}  // namespace detail

OCTET_API std::vector<Shape> SizesOf::shapes(const ShapeContext& c) const {
  for (std::int64_t a : axes) normalize_axis(a, c.rank(0));
  return {{static_cast<std::int64_t>(axes.size())}};
}

OCTET_API std::unique_ptr<Step> SizesOf::prepare(const PrepareContext&) const {
  return detail::make_step<detail::SizesOfStep>(axes);
}

OCTET_END
