#pragma once
#include "arithmetic/broadcast.hpp"
#include "shape/indexed_copy.hpp"
#include "where.hpp"

OCTET_BEGIN
namespace detail {

class WhereStep : public Step {
 public:
  explicit WhereStep(const PrepareContext& c) : element_(element_bytes(c, c.output())) {}

  std::size_t plan(const PlanContext& c) override {
    runs_ = {{&c.inputs[Where::condition].shape, &c.inputs[Where::if_true].shape, &c.inputs[Where::if_false].shape},
             c.outputs[0].shape};
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    if (element_ == 4) return select<std::uint32_t>(c);
    if (element_ == 1) return select<std::uint8_t>(c);
    const std::int64_t step[3] = {runs_.moves(0), runs_.moves(1), runs_.moves(2)};
    runs_.parallel(*c.pool, [&](std::int64_t p, std::int64_t a, std::int64_t b, std::int64_t o, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) {
        const bool first = c.input(Where::condition)[p + i * step[0]] != std::byte{0};
        const std::byte* x = first ? c.input(Where::if_true) + (a + i * step[1]) * element_
                                   : c.input(Where::if_false) + (b + i * step[2]) * element_;
        copy_bytes(c.output() + (o + i) * element_, x, element_);
      }
    });
  }

 private:
  /// For elements of the size of T.
  template <class T>
  void select(const RunContext& c) const noexcept {
    const std::byte *condition = c.input(Where::condition), *yes = c.input(Where::if_true),
                    *no = c.input(Where::if_false);
    const std::int64_t step[3] = {runs_.moves(0), runs_.moves(1), runs_.moves(2)};
    runs_.parallel(*c.pool, [&](std::int64_t p, std::int64_t a, std::int64_t b, std::int64_t o, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) {
        const auto mask = static_cast<T>(condition[p + i * step[0]] != std::byte{0} ? ~T{0} : T{0});  // no branch
        const auto x = load_as<T>(yes, a + i * step[1]), y = load_as<T>(no, b + i * step[2]);
        store_as<T>(c.output(), o + i, static_cast<T>((x & mask) | (y & ~mask)));
      }
    });
  }

  std::int64_t element_;
  BroadcastRunsOf<3> runs_;
};

}  // namespace detail

OCTET_API std::vector<Shape> Where::shapes(const ShapeContext& c) const {
  c.require(c.dtype(Where::condition) == DType::boolean && c.dtype(Where::if_true) == c.dtype(Where::if_false),
            "expected a bool condition and two tensors of one type, found ", name(c.dtype(Where::condition)), ", ",
            name(c.dtype(Where::if_true)), " and ", name(c.dtype(Where::if_false)));
  return {c.broadcast(c.shape(Where::condition), c.broadcast(c.shape(Where::if_true), c.shape(Where::if_false)))};
}

OCTET_API DType Where::dtype(const ShapeContext& c, int) const { return c.dtype(Where::if_true); }

OCTET_API std::unique_ptr<Step> Where::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::WhereStep>(c);
}

OCTET_END
