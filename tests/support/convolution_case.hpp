#pragma once
#include <octet/core/element.hpp>
#include <octet/operators/all.hpp>
#include <ostream>

#include "random.hpp"

/// Random convolutions as graphs of one layer.
namespace testing {

using namespace octet;

enum class Form { floating, half_weights, dynamic, per_channel, per_tensor, legacy_uint8, last = legacy_uint8 };

struct Axis {
  std::int64_t in, kernel, stride, dilation, before, after, out;
};

/// A convolution of any form, and its input.
struct Case {
  Form form;
  Axis y, x;
  Window::Padding padding;
  bool one_dimensional, bias, residual, int8_activations;
  std::int64_t batch, in_c, out_c, groups;
  ActivationRange activation;
  Rounding rounding;

  std::int64_t group_in() const { return in_c / groups; }
  std::int64_t taps() const { return y.kernel * x.kernel; }
  std::int64_t k() const { return taps() * group_in(); }
  std::int64_t pixels() const { return batch * y.out * x.out; }
  /// Whether outputs are products of single pixels, in one group.
  bool of_pixels() const {
    const auto single = [](const Axis& a) { return a.kernel == 1 && a.stride == 1 && a.before == 0 && a.after == 0; };
    return groups == 1 && single(y) && single(x);
  }
  bool integer() const { return form >= Form::per_channel; }
  Shape image(std::int64_t h, std::int64_t w, std::int64_t c) const {
    return one_dimensional ? Shape{batch, w, c} : Shape{batch, h, w, c};
  }
};

inline std::ostream& operator<<(std::ostream& o, const Case& c) {
  const auto axis = [&](const Axis& a) -> std::ostream& {
    return o << a.in << " (k " << a.kernel << " s " << a.stride << " d " << a.dilation << " p " << a.before << ' '
             << a.after << ")";
  };
  o << "form " << static_cast<int>(c.form) << ", batch " << c.batch << ", ";
  axis(c.y) << " x ";
  axis(c.x) << ", " << c.in_c << " -> " << c.out_c << " channels in " << c.groups << " groups, padding "
            << static_cast<int>(c.padding) << (c.bias ? ", bias" : "") << (c.residual ? ", residual" : "")
            << (c.int8_activations ? ", int8" : "") << (c.rounding == Rounding::xnnpack ? ", XNNPACK" : "") << ", ["
            << c.activation.low << ", " << c.activation.high << "]";
  return o;
}

/// Computes the output sizes. Returns false if the window is larger than the input.
inline bool resolve(Axis& a, Window::Padding padding) {
  const std::int64_t reach = (a.kernel - 1) * a.dilation + 1;
  switch (padding) {
    case Window::Padding::valid: a.before = a.after = 0; break;
    case Window::Padding::given: break;
    default: {
      a.out = (a.in + a.stride - 1) / a.stride;
      const std::int64_t total = std::max<std::int64_t>(0, (a.out - 1) * a.stride + reach - a.in);
      a.before = padding == Window::Padding::same_upper ? total / 2 : total - total / 2;
      a.after = total - a.before;
      return true;
    }
  }
  if (a.in + a.before + a.after < reach) return false;
  a.out = (a.in + a.before + a.after - reach) / a.stride + 1;
  return true;
}

/// 3 x 3 kernels of stride 1 with many channels, for which Winograd's algorithm can be used.
inline void make_winograd_case(Case& c, Random& r) {
  for (Axis* a : {&c.y, &c.x}) {
    a->in = r.between(1, 15);
    a->kernel = 3;
    a->stride = a->dilation = 1;
  }
  c.groups = 1;
  c.in_c = r.between(16, 70);
  c.out_c = r.between(16, 70);
  c.one_dimensional = false;
}

inline Case random_case(Random& r, bool winograd) {
  const auto axis = [&] {
    return Axis{
        r.between(1, 12), r.between(1, 7), r.between(1, 3), r.between(1, 2), r.between(0, 3), r.between(0, 3), 0};
  };
  for (;;) {
    Case c{};
    c.form = static_cast<Form>(r.between(0, static_cast<int>(Form::last)));
    c.y = axis();
    c.x = axis();
    c.one_dimensional = r.chance(10);
    if (c.one_dimensional) c.y = {1, 1, 1, 1, 0, 0, 0};
    if (r.chance(20)) {
      c.y.kernel = c.x.kernel = c.y.stride = c.x.stride = 1;
      c.y.before = c.y.after = c.x.before = c.x.after = 0;
    }
    c.padding = static_cast<Window::Padding>(r.between(0, 3));
    c.batch = r.between(1, 3);
    c.groups = 1;
    c.in_c = r.between(1, 70);
    c.out_c = r.between(1, 70);
    if (r.chance(25)) {  // depthwise
      c.groups = c.out_c = c.in_c;
    } else if (r.chance(25)) {
      c.groups = r.between(2, 4);
      c.in_c = c.groups * r.between(1, 20);
      c.out_c = c.groups * r.between(1, 20);
    }
    if (winograd) make_winograd_case(c, r);
    c.bias = r.chance(70);
    c.residual = r.chance(25);
    c.int8_activations = r.chance(25);
    switch (r.between(0, 3)) {
      case 0: c.activation = {0, std::numeric_limits<double>::infinity()}; break;
      case 1: c.activation = {0, 6}; break;
      case 2: c.activation = {-0.7, 1.3}; break;
      default: break;
    }
    if (c.form == Form::dynamic && r.chance(50)) c.rounding = Rounding::xnnpack;
    const std::int64_t most = winograd ? 3000000 : 200000;  // products
    if (resolve(c.y, c.padding) && resolve(c.x, c.padding) && c.pixels() * c.out_c * c.k() < most) return c;
  }
}

/// All tensors of a case.
struct Problem {
  AnyTensor input, weights, bias, residual;
  QuantParams in_q, weight_q, out_q, residual_q;
};

inline AnyTensor random_floats(const Shape& s, Random& r, float size = 1) {
  Tensor<float> t = Tensor<float>::uninitialized(s);
  r.fill(t.data(), t.size(), -size, size);
  return t;
}

template <class T>
AnyTensor random_bytes(const Shape& s, Random& r, std::int64_t low, std::int64_t high) {
  Tensor<T> t = Tensor<T>::uninitialized(s);
  r.fill(t.data(), t.size(), low, high);
  return t;
}

inline QuantParams activation_params(const Case& c, Random& r, float scale) {
  return {scale, static_cast<std::int32_t>(c.int8_activations ? r.between(-128, 127) : r.between(0, 255))};
}

inline Problem random_problem(const Case& c, Random& r) {
  Problem p;
  const Shape in = c.image(c.y.in, c.x.in, c.in_c), out = c.image(c.y.out, c.x.out, c.out_c);
  const Shape w = c.one_dimensional ? Shape{c.out_c, c.x.kernel, c.group_in()}
                                    : Shape{c.out_c, c.y.kernel, c.x.kernel, c.group_in()};
  const auto bytes = [&](const Shape& s) {
    return c.int8_activations ? random_bytes<int8>(s, r, -128, 127) : random_bytes<uint8>(s, r, 0, 255);
  };
  if (!c.integer()) {
    p.input = random_floats(in, r);
    p.residual = random_floats(out, r);
    p.bias = random_floats({c.out_c}, r);
  } else {
    p.input = bytes(in);
    p.residual = bytes(out);
    p.bias = [&] {
      Tensor<int32> b({c.out_c});
      r.fill(b.data(), c.out_c, -3000, 3000);
      return AnyTensor(std::move(b));
    }();
    p.in_q = activation_params(c, r, r.real(0.005f, 0.02f));
    p.out_q = activation_params(c, r, r.real(0.01f, 0.2f));
    p.residual_q = activation_params(c, r, r.real(0.01f, 0.2f));
  }
  switch (c.form) {
    case Form::floating: p.weights = random_floats(w, r); break;
    case Form::half_weights:
      p.weights = AnyTensor::make(DType::f16, w, [&](std::byte* to) {
        for (std::int64_t i = 0; i < w.elements(); ++i)
          detail::store_element(DType::f16, to, i, static_cast<double>(r.real(-1, 1)));
      });
      break;
    case Form::legacy_uint8:
      p.weights = random_bytes<uint8>(w, r, 0, 255);
      p.weight_q = {r.real(0.005f, 0.02f), static_cast<std::int32_t>(r.chance(20)   ? 0
                                                                     : r.chance(20) ? 255
                                                                                    : r.between(100, 150))};
      break;
    case Form::per_tensor:
      p.weights = random_bytes<int8>(w, r, -127, 127);
      p.weight_q = {r.real(0.005f, 0.02f), 0};
      break;
    default:
      p.weights = random_bytes<int8>(w, r, -128, 127);
      p.weight_q = {{}, std::vector<std::int32_t>(static_cast<std::size_t>(c.out_c), 0), 0};
      for (std::int64_t o = 0; o < c.out_c; ++o) p.weight_q.scale.push_back(r.real(0.001f, 0.02f));
  }
  return p;
}

inline Graph graph_of(const Case& c, const Problem& p) {
  Graph g;
  g.name = "convolution";
  g.rounding = c.rounding;
  const auto described = [&](int v, const QuantParams& q) {
    g.value(v).quant = q;
    return v;
  };
  const int x = described(g.add_input("x", p.input.shape(), p.input.dtype()), p.in_q);
  Convolution op;
  op.groups = c.groups;
  op.activation = c.activation;
  op.window.padding = c.padding;
  const auto each = [&](std::int64_t Axis::*size) {
    return c.one_dimensional ? std::vector<std::int64_t>{c.x.*size} : std::vector<std::int64_t>{c.y.*size, c.x.*size};
  };
  op.window.kernel = each(&Axis::kernel);
  op.window.strides = each(&Axis::stride);
  op.window.dilations = each(&Axis::dilation);
  op.window.pads_before = each(&Axis::before);
  op.window.pads_after = each(&Axis::after);
  std::vector<int> in{x, g.add_constant("w", p.weights, p.weight_q), Node::none, Node::none};
  if (c.bias) in[2] = g.add_constant("b", p.bias);
  if (c.residual) in[3] = described(g.add_input("r", p.residual.shape(), p.residual.dtype()), p.residual_q);
  g.outputs = {described(g.add("conv", op, in), p.out_q)};
  return g;
}

}  // namespace testing
