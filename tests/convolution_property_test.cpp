#include <doctest/doctest.h>

#include <octet/operators/all.hpp>
#include <octet/runtime/executor.hpp>
#include <ostream>

#include "support/epilogue.hpp"
#include "support/isas.hpp"

/// Convolutions of random shapes in every form, through a graph and an executor, against loops that follow
/// the definitions: the same bits on every instruction set and with every number of threads.
using namespace octet;
using namespace testing;

namespace {

enum class Form { floating, half_weights, dynamic, per_channel, per_tensor, legacy_uint8, last = legacy_uint8 };

struct Axis {
  std::int64_t in, kernel, stride, dilation, before, after, out;
};

struct Case {
  Form form;
  Axis y, x;
  Window::Padding padding;
  bool one_dimensional, bias, residual, int8_activations;
  std::int64_t batch, in_c, out_c, groups;
  ActivationRange activation;

  std::int64_t group_in() const { return in_c / groups; }
  std::int64_t taps() const { return y.kernel * x.kernel; }
  std::int64_t k() const { return taps() * group_in(); }
  std::int64_t pixels() const { return batch * y.out * x.out; }
  bool integer() const { return form >= Form::per_channel; }
  Shape image(std::int64_t h, std::int64_t w, std::int64_t c) const {
    return one_dimensional ? Shape{batch, w, c} : Shape{batch, h, w, c};
  }
};

std::ostream& operator<<(std::ostream& o, const Case& c) {
  const auto axis = [&](const Axis& a) -> std::ostream& {
    return o << a.in << " (k " << a.kernel << " s " << a.stride << " d " << a.dilation << " p " << a.before << ' '
             << a.after << ")";
  };
  o << "form " << static_cast<int>(c.form) << ", batch " << c.batch << ", ";
  axis(c.y) << " x ";
  axis(c.x) << ", " << c.in_c << " -> " << c.out_c << " channels in " << c.groups << " groups, padding "
            << static_cast<int>(c.padding) << (c.bias ? ", bias" : "") << (c.residual ? ", residual" : "")
            << (c.int8_activations ? ", int8" : "") << ", [" << c.activation.low << ", " << c.activation.high << "]";
  return o;
}

// Sizes as the definitions have them; false where the window does not fit.
bool resolve(Axis& a, Window::Padding padding) {
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

Case random_case(Random& r) {
  const auto axis = [&] {
    return Axis{
        r.between(1, 12), r.between(1, 7), r.between(1, 3), r.between(1, 2), r.between(0, 3), r.between(0, 3), 0};
  };
  for (;;) {
    Case c{};
    c.form = static_cast<Form>(r.between(0, static_cast<int>(Form::last)));
    c.y = axis(), c.x = axis();
    c.one_dimensional = r.chance(10);
    if (c.one_dimensional) c.y = {1, 1, 1, 1, 0, 0, 0};
    if (r.chance(20))
      c.y.kernel = c.x.kernel = c.y.stride = c.x.stride = 1, c.y.before = c.y.after = c.x.before = c.x.after = 0;
    c.padding = static_cast<Window::Padding>(r.between(0, 3));
    c.batch = r.between(1, 3);
    c.groups = 1, c.in_c = r.between(1, 70), c.out_c = r.between(1, 70);
    if (r.chance(25)) {  // depthwise
      c.groups = c.out_c = c.in_c;
    } else if (r.chance(25)) {
      c.groups = r.between(2, 4);
      c.in_c = c.groups * r.between(1, 20), c.out_c = c.groups * r.between(1, 20);
    }
    c.bias = r.chance(70), c.residual = r.chance(25), c.int8_activations = r.chance(25);
    switch (r.between(0, 3)) {
      case 0: c.activation = {0, std::numeric_limits<double>::infinity()}; break;
      case 1: c.activation = {0, 6}; break;
      case 2: c.activation = {-0.7, 1.3}; break;
      default: break;
    }
    if (resolve(c.y, c.padding) && resolve(c.x, c.padding) && c.pixels() * c.out_c * c.k() < 200000) return c;
  }
}

// Everything a case computes with, as tensors of the graph.
struct Problem {
  AnyTensor input, weights, bias, residual;
  QuantParams in_q, weight_q, out_q, residual_q;
};

AnyTensor random_floats(const Shape& s, Random& r, float size = 1) {
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

QuantParams activation_params(const Case& c, Random& r, float scale) {
  return {scale, static_cast<std::int32_t>(c.int8_activations ? r.between(-128, 127) : r.between(0, 255))};
}

Problem random_problem(const Case& c, Random& r) {
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

Graph graph_of(const Case& c, const Problem& p) {
  Graph g;
  g.name = "convolution";
  const auto described = [&](int v, const QuantParams& q) {
    g.value(v).quant = q;
    return v;
  };
  const int x = described(g.add_input("x", p.input.shape(), p.input.dtype()), p.in_q);
  Convolution op;
  op.groups = c.groups, op.activation = c.activation;
  op.window.padding = c.padding;
  const auto each = [&](std::int64_t Axis::*size) {
    return c.one_dimensional ? std::vector<std::int64_t>{c.x.*size} : std::vector<std::int64_t>{c.y.*size, c.x.*size};
  };
  op.window.kernel = each(&Axis::kernel), op.window.strides = each(&Axis::stride);
  op.window.dilations = each(&Axis::dilation);
  op.window.pads_before = each(&Axis::before), op.window.pads_after = each(&Axis::after);
  std::vector<int> in{x, g.add_constant("w", p.weights, p.weight_q), Node::none, Node::none};
  if (c.bias) in[2] = g.add_constant("b", p.bias);
  if (c.residual) in[3] = described(g.add_input("r", p.residual.shape(), p.residual.dtype()), p.residual_q);
  g.outputs = {described(g.add("conv", op, in), p.out_q)};
  return g;
}

// Calls f(output element, output channel, tap function): tap(i) gives, for i in [0, k), the index of the
// input element
// (-1 on the padding) and of the weight.
template <class F>
void each_output(const Case& c, F f) {
  for (std::int64_t p = 0; p < c.pixels(); ++p)
    for (std::int64_t o = 0; o < c.out_c; ++o) {
      const std::int64_t n = p / (c.y.out * c.x.out), oy = p / c.x.out % c.y.out, ox = p % c.x.out;
      const std::int64_t first = o / (c.out_c / c.groups) * c.group_in();
      f(p * c.out_c + o, o, n, [&, n, oy, ox, first, o](std::int64_t i) {
        const std::int64_t t = i / c.group_in(), ci = i % c.group_in();
        const std::int64_t iy = oy * c.y.stride - c.y.before + t / c.x.kernel * c.y.dilation;
        const std::int64_t ix = ox * c.x.stride - c.x.before + t % c.x.kernel * c.x.dilation;
        const bool inside = iy >= 0 && iy < c.y.in && ix >= 0 && ix < c.x.in;
        return std::array<std::int64_t, 2>{inside ? ((n * c.y.in + iy) * c.x.in + ix) * c.in_c + first + ci : -1,
                                           o * c.k() + i};
      });
    }
}

float activated(const Case& c, float v) {
  return clamped(v, static_cast<float>(c.activation.low), static_cast<float>(c.activation.high));
}

Tensor<float> expected_floats(const Case& c, const Problem& p) {
  const Tensor<float> w = detail::to_float(p.weights.ref());
  const auto x = p.input.view<float>(), b = p.bias.view<float>(), r = p.residual.view<float>();
  Tensor<float> out(r.shape());
  each_output(c, [&](std::int64_t at, std::int64_t o, std::int64_t, auto tap) {
    float acc = c.bias ? b[o] : 0;
    for (std::int64_t i = 0; i < c.k(); ++i) {
      const auto [in, weight] = tap(i);
      acc = std::fma(in < 0 ? 0.0f : x[in], w[weight], acc);
    }
    out[at] = activated(c, c.residual ? acc + r[at] : acc);
  });
  return out;
}

// ONNX's DynamicQuantizeLinear of n elements, less the zero point. Returns the scale.
float quantize_image(const float* x, std::int64_t n, std::int32_t* q) {
  const auto range = std::minmax_element(x, x + n);
  const float low = std::min(*range.first, 0.0f), high = std::max(*range.second, 0.0f), scale = (high - low) / 255.0f;
  const std::int32_t zero = rounded(clamped(-low / scale, 0.0f, 255.0f));
  for (std::int64_t i = 0; i < n; ++i) q[i] = clamped(std::int64_t{rounded(x[i] / scale)} + zero, 0, 255) - zero;
  return scale;
}

Tensor<float> expected_dynamic(const Case& c, const Problem& p) {
  const auto x = p.input.view<float>(), b = p.bias.view<float>(), r = p.residual.view<float>();
  const auto w = p.weights.view<int8>();
  std::vector<std::int32_t> q(static_cast<std::size_t>(x.size()));
  std::vector<float> scales;  // of each image
  for (std::int64_t i = 0; i < x.size(); i += x.size() / c.batch)
    scales.push_back(quantize_image(x.data() + i, x.size() / c.batch, q.data() + i));
  Tensor<float> out(r.shape());
  each_output(c, [&](std::int64_t at, std::int64_t o, std::int64_t, auto tap) {
    std::int32_t acc = 0;
    for (std::int64_t i = 0; i < c.k(); ++i) {
      const auto [in, weight] = tap(i);
      if (in >= 0) acc += q[static_cast<std::size_t>(in)] * w[weight];
    }
    const float scale =
        p.weight_q.scale[static_cast<std::size_t>(o)] * scales[static_cast<std::size_t>(at / (out.size() / c.batch))];
    const float v = std::fma(static_cast<float>(acc), scale, c.bias ? b[o] : 0.0f);
    out[at] = activated(c, c.residual ? v + r[at] : v);
  });
  return out;
}

// As real integers: uint8 outputs; those of int8 models lie 128 lower.
Tensor<std::int32_t> expected_integers(const Case& c, const Problem& p) {
  const auto element = [](const AnyTensor& t, std::int64_t i) {
    return static_cast<std::int32_t>(detail::load_element(t.dtype(), t.data(), i));
  };
  Tensor<std::int32_t> out(p.residual.shape());
  const double in_scale = static_cast<double>(p.in_q.scale[0]), out_scale = static_cast<double>(p.out_q.scale[0]);
  const std::int64_t least = c.int8_activations ? -128 : 0, most = least + 255;
  const auto limit = [&](double real) {
    const double q = std::round(real / out_scale) + p.out_q.zero_point[0];
    return static_cast<std::int64_t>(std::min(std::max(q, static_cast<double>(least)), static_cast<double>(most)));
  };
  const std::int64_t low = limit(c.activation.low), high = std::max(low, limit(c.activation.high));
  each_output(c, [&](std::int64_t at, std::int64_t o, std::int64_t, auto tap) {
    const std::size_t channel = p.weight_q.per_channel() ? static_cast<std::size_t>(o) : 0;
    std::int64_t acc = c.bias ? p.bias.view<std::int32_t>()[o] : 0;
    for (std::int64_t i = 0; i < c.k(); ++i) {
      const auto [in, weight] = tap(i);
      if (in >= 0)
        acc += std::int64_t{element(p.input, in) - p.in_q.zero_point[0]} *
               (element(p.weights, weight) - p.weight_q.zero_point[channel]);
    }
    float v = static_cast<float>(acc) *
              static_cast<float>(in_scale * static_cast<double>(p.weight_q.scale[channel]) / out_scale);
    if (c.residual)
      v = std::fma(static_cast<float>(element(p.residual, at) - p.residual_q.zero_point[0]),
                   static_cast<float>(static_cast<double>(p.residual_q.scale[0]) / out_scale), v);
    const std::int64_t q = std::int64_t{rounded(v)} + p.out_q.zero_point[0];
    out[at] = static_cast<std::int32_t>(std::min(std::max(q, low), high));
  });
  return out;
}

AnyTensor run(const Graph& g, const Case& c, const Problem& p, const std::shared_ptr<ThreadPool>& pool) {
  ExecutorOptions options;
  options.pool = pool;
  options.optimize = false;
  Executor executor(g, options);
  return c.residual ? executor.run({p.input, p.residual})[0] : executor.run({p.input})[0];
}

template <class T>
std::int64_t differences(const AnyTensor& got, const Tensor<T>& expected) {
  std::int64_t n = 0;
  for (std::int64_t i = 0; i < expected.size(); ++i)
    n += detail::load_element(got.dtype(), got.data(), i) != static_cast<double>(expected[i]);
  return n;
}

}  // namespace

TEST_CASE("convolution: random shapes in every form, on every instruction set, with 1 to 3 threads") {
  const std::array<std::shared_ptr<ThreadPool>, 3> pools{
      std::make_shared<ThreadPool>(1), std::make_shared<ThreadPool>(2), std::make_shared<ThreadPool>(3)};
  Random random(60);
  for (int round = 0; round < 2000; ++round) {
    const Case c = random_case(random);
    const Problem p = random_problem(c, random);
    const Graph g = graph_of(c, p);
    Tensor<float> floats;
    Tensor<std::int32_t> integers;
    if (c.integer())
      integers = expected_integers(c, p);
    else
      floats = c.form == Form::dynamic ? expected_dynamic(c, p) : expected_floats(c, p);
    for (Isa isa : available_isas()) {
      const UseIsa use(isa);
      const std::size_t threads = static_cast<std::size_t>(round + static_cast<int>(isa)) % 3;
      const AnyTensor got = run(g, c, p, pools[threads]);
      INFO("round ", round, " ", c, ", ", name(isa), ", ", threads + 1, " threads");
      REQUIRE(got.shape() == p.residual.shape());
      CHECK((c.integer() ? differences(got, integers) : differences(got, floats)) == 0);
    }
  }
}
