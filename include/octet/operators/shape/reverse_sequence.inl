#pragma once
#include "indexed_copy.hpp"
#include "places.hpp"
#include "reverse_sequence.hpp"

OCTET_BEGIN
namespace detail {

class ReverseSequenceStep : public Step {
 public:
  ReverseSequenceStep(const PrepareContext& c, const ReverseSequence& op)
      : op_(op), element_(element_bytes(c, c.input(0))) {}

  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    const int time = normalize_axis(op_.axis, in.rank()), batch = normalize_axis(op_.batch_axis, in.rank());
    const int last = std::max(time, batch);
    times_ = in[time];
    batches_ = in[batch];
    time_stride_ = in.product(time + 1, last + 1);
    batch_stride_ = in.product(batch + 1, last + 1);
    blocks_ = in.product(0, last + 1);
    block_ = in.product(last + 1, in.rank()) * element_;
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    const TensorRef& lengths = c.inputs[ReverseSequence::lengths];
    parallel_parts(*c.pool, blocks_, 256, [&](std::int64_t first, std::int64_t n) {
      for (std::int64_t i = first; i < first + n; ++i) {
        const std::int64_t t = i / time_stride_ % times_, b = i / batch_stride_ % batches_;
        const std::int64_t length = length_at(lengths, b),
                           from = t < length ? i + (length - 1 - 2 * t) * time_stride_ : i;
        copy_bytes(c.output() + i * block_, c.input(0) + from * block_, block_);
      }
    });
  }

 private:
  std::int64_t length_at(const TensorRef& lengths, std::int64_t b) const noexcept {
    const std::int64_t x =
        lengths.dtype == DType::i64 ? load_as<std::int64_t>(lengths.data, b) : load_as<std::int32_t>(lengths.data, b);
    return std::clamp<std::int64_t>(x, 0, times_);
  }

  ReverseSequence op_;
  std::int64_t element_, times_ = 1, batches_ = 1, time_stride_ = 1, batch_stride_ = 1, blocks_ = 1, block_ = 1;
};

}  // namespace detail

OCTET_API std::vector<Shape> ReverseSequence::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(elements), &of = c.shape(lengths);
  const int time = normalize_axis(axis, in.rank()), batch = normalize_axis(batch_axis, in.rank());
  c.require(time != batch, "axis ", time, " cannot be reversed by lengths of the same axis");
  c.require(of.rank() == 1 && detail::may_equal(of[0], in[batch]), "expected ", in[batch], " lengths for axis ", batch,
            " of ", in, ", found ", of);
  for (std::int64_t n : detail::constant_places(c, lengths))
    c.require(n >= 0 && (in[time] == Shape::unknown || n <= in[time]), "a length is ", n, ", expected 0 to ", in[time]);
  return {in};
}

OCTET_API std::unique_ptr<Step> ReverseSequence::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::ReverseSequenceStep>(c, *this);
}

OCTET_API IntegerForm ReverseSequence::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  return f;
}

OCTET_END
