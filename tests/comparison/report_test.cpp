#include <algorithm>
#include <octet/comparison/compare.hpp>
#include <octet/comparison/latency.hpp>
#include <octet/io/model_file.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/operators/all.hpp>
#include <regex>
#include <set>
#include "../../examples/report/advice.hpp"
#include "../../examples/report/html.hpp"
#include "../../examples/report/json.hpp"

#include "support/files.hpp"
#include "testing.hpp"

using namespace testing;
using namespace report;

namespace {

/// Gray images of uniform brightness. Class c is brighter than class c - 1.
class Brightness : public Dataset {
 public:
  Brightness(std::int64_t size, std::vector<int> levels, bool labels = true, std::int64_t shift = 0)
      : size_(size), levels_(std::move(levels)), labels_(labels), shift_(shift) {}
  std::int64_t size() const override { return size_; }
  Tensor<uint8> image(std::int64_t i) const override {
    Tensor<uint8> t({4, 4, 1});
    std::fill(t.begin(), t.end(), static_cast<uint8>(levels_[at(i) % levels_.size()]));
    return t;
  }
  std::optional<std::int64_t> label(std::int64_t i) const override {
    if (!labels_) return std::nullopt;
    return static_cast<std::int64_t>((at(i) + static_cast<std::size_t>(shift_)) % levels_.size());
  }
  std::string name(std::int64_t i) const override { return std::to_string(i); }

 private:
  std::int64_t size_;
  std::vector<int> levels_;
  bool labels_;
  std::int64_t shift_;
};

const std::vector<int> levels{20, 90, 160, 230};

/// Selects the class with the nearest brightness (as x / 255): the score is 2 x level - level^2.
Model brightness_model() {
  Model m;
  m.name = "brightness";
  const int x = m.add_input("image", {Shape::unknown, 4, 4, 1});
  Tensor<float> w({4, 16}), b({4});
  for (std::int64_t c = 0; c < 4; ++c) {
    const float level = static_cast<float>(levels[static_cast<std::size_t>(c)]) / 255;
    for (std::int64_t i = 0; i < 16; ++i) w[c * 16 + i] = 2 * level / 16;
    b[c] = -level * level;
  }
  const int flat = m.add("flat", Flatten(1), {x});
  m.outputs = {
      m.add("scores", FullyConnected(), {flat, m.add_constant("w", std::move(w)), m.add_constant("b", std::move(b))})};
  return m;
}

Preprocessing with(const std::string& recipe) { return {{}, ImageResize::bilinear, normalization(recipe)}; }

ComparisonResult some_result() {
  ComparisonResult r;
  r.model = "a<b>\"&'c";
  r.data = "images & <more>";
  r.preprocessing = "tf, bilinear";
  r.machine = "a machine";
  r.images = 1000;
  r.calibration_images = 200;
  r.calibration_seconds = 1.5;
  r.parameters = 20410;
  r.macs = 4'089'184'256;
  r.variants = {{"float32", "Original (fp32)", 14'000'000, 0, 0.6188, 0.8752, 1.0, 20.04, 16.2, 6'340'000},
                {"dynamic_range", "Dynamic range", 3'860'000, 0.0124, 0.6121, 0.8738, 0.9503, 16.7, 11.1, 6'340'000},
                {"float16", "Float16", 7'010'000, 0.0188, 0.6174, 0.8752, 0.996, 19.1, 15.1, 6'340'000},
                {"int8", "Int8", 3'720'000, 0.0175, 0.6081, 0.8752, 0.9074, 10.02, 4.79, 1'770'000}};
  r.errors = {{"net/<x>;net/y", "Convolution", 9.5, 0.25, 1.5, 0.01},
              {"net/w", "weights", std::numeric_limits<double>::infinity(), 0, 0, 0},
              {"net/z", "Reshape", -std::numeric_limits<double>::infinity(), 0, 0, 0}};
  r.layers = {{"net/<x>;net/y", "Conv 3x3", 9.5, 45.0}, {"net/z", "Reshape", std::nan(""), {}}};
  r.notes = {"a <note>"};
  r.warnings = {"a <warning>"};
  return r;
}

/// Checks that all tags of the page are closed in order. Returns what is wrong, or an empty text.
std::string wrong_tags(const std::string& html) {
  const std::set<std::string> empty{"meta", "rect", "line", "circle", "!DOCTYPE"};
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string::npos;) {
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) return "a tag that does not end";
    const bool closes = html[at + 1] == '/';
    const std::size_t from = at + 1 + closes;
    const std::string tag = html.substr(from, html.find_first_of(" />\n", from) - from);
    const std::string text = html.substr(at, end - at);
    if (std::count(text.begin(), text.end(), '"') % 2) return "an open quote in " + text;
    if (closes) {
      if (open.empty() || open.back() != tag) return "</" + tag + "> without its beginning";
      open.pop_back();
    } else if (!empty.count(tag)) {
      open.push_back(tag);
      if (tag == "style") at = html.find("</style>", at) - 1;
    }
    at = std::max(at + 1, tag == "style" && !closes ? at : end);
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

}  // namespace

TEST_CASE("report: the table has the rows of the tutorials") {
  CHECK(comparison_table(some_result()).str() ==
        "                             Original (fp32)  Dynamic range  Float16     Int8\n"
        "-----------------------------------------------------------------------------\n"
        "Time to quantize (s)                       -         0.0124   0.0188   0.0175\n"
        "Size (MB)                               14.0           3.86     7.01     3.72\n"
        "Top-1 accuracy                       61.88 %        61.21 %  61.74 %  60.81 %\n"
        "Top-5 accuracy                       87.52 %        87.38 %  87.52 %  87.52 %\n"
        "Agreement with float                100.00 %        95.03 %  99.60 %  90.74 %\n"
        "Inference time, median (ms)             20.0           16.7     19.1     10.0\n"
        "Inference time, min (ms)                16.2           11.1     15.1     4.79\n"
        "Speed-up                              1.00 x         1.20 x   1.05 x   2.00 x\n"
        "Arena memory (MB)                       6.34           6.34     6.34     1.77\n");
  ComparisonResult r = some_result();
  for (VariantResult& v : r.variants) {
    v.top1.reset();
    v.top5.reset();
  }
  const std::string unlabelled = comparison_table(r).str();
  CHECK(unlabelled.find("accuracy") == std::string::npos);
  CHECK(unlabelled.find("Agreement") != std::string::npos);
  r.variants.resize(1);
  CHECK(comparison_table(r).str().find("Agreement") == std::string::npos);
}

TEST_CASE("report: tables fit a width and escape control characters") {
  TextTable t({"Name", "n"});
  t.add({"a_very_long_name_of_a_layer_0123456789", "1"});
  t.add({"ü\x1b[31m", "1234"});
  t.add({"missing"});
  t.add_line("    a line\nof text");
  CHECK(t.str(24) ==
        "Name                   n\n"
        "------------------------\n"
        "a_very_long\xe2\x80\xa6"
        "456789     1\n"
        "ü?[31m              1234\n"
        "missing\n"
        "    a line?of text\n");
  CHECK(t.str().find("a_very_long_name_of_a_layer_0123456789") != std::string::npos);
  CHECK(t.str(1).find("a_very_lon\xe2\x80\xa6"
                      "56789") != std::string::npos);  // 16 characters at least
  CHECK(shortened("äöüäöüäöü", 9) == "äöüäöüäöü");
  CHECK(shortened("äöüäöüäöü", 5) == "äöü\xe2\x80\xa6ü");
  CHECK(with_prefix(999) == "999");
  CHECK(with_prefix(20410) == "20.4 k");
  CHECK(with_prefix(4'089'184'256) == "4.09 G");
}

TEST_CASE("report: names and kinds of layers") {
  CHECK(short_names({"m/a/x;m/a/y", "m/a/z", "quantize"}) == std::vector<std::string>{"x", "z", "quantize"});
  CHECK(short_names({"m/ab/x", "m/ac/x"}) == std::vector<std::string>{"ab/x", "ac/x"});
  CHECK(short_names({"a", "b"}) == std::vector<std::string>{"a", "b"});
  CHECK(short_names({"a/b"}) == std::vector<std::string>{"b"});
  CHECK(short_names({}).empty());
  Graph g;
  const int x = g.add_input("x", {1, 8, 8, 4});
  Convolution conv, depthwise, grouped;
  conv.window = Window(3, 5, 2, 1);
  depthwise.window = Window(3, 3);
  grouped.window = Window(1, 1);
  depthwise.groups = 4;
  grouped.groups = 2;
  const auto kind = [&](auto op, std::vector<int> in) {
    g.add("n" + std::to_string(g.nodes.size()), op, in);
    return layer_kind(g, g.nodes.back());
  };
  CHECK(kind(conv, {x, g.add_constant("a", Tensor<float>({7, 3, 5, 4}))}) == "Conv 3x5/2");
  CHECK(kind(depthwise, {x, g.add_constant("b", Tensor<float>({4, 3, 3, 1}))}) == "Depthwise 3x3");
  CHECK(kind(grouped, {x, g.add_constant("c", Tensor<float>({6, 1, 1, 2}))}) == "Conv 1x1 g2");
  CHECK(kind(Unary(UnaryKind::clip, 0, 6), {x}) == "ReLU6");
  CHECK(kind(Unary(UnaryKind::clip, -1, 1), {x}) == "Clip");
  CHECK(kind(Unary(UnaryKind::rsqrt), {x}) == "1/sqrt");
  CHECK(kind(Binary(BinaryKind::mul), {x, x}) == "Mul");
  CHECK(kind(Reduce(ReduceKind::mean, {1, 2}, true), {x}) == "Mean");
}

TEST_CASE("report: results.json has exactly the documented keys") {
  const nlohmann::ordered_json j = to_json(some_result());
  std::vector<std::string> keys;
  for (const auto& [key, value] : j.items()) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"model", "images", "variants"});
  CHECK(j["images"] == 1000);
  REQUIRE(j["variants"].size() == 4);
  const std::vector<std::string> names{"float32", "dynamic_range", "float16", "int8"};
  for (std::size_t i = 0; i < 4; ++i) {
    keys.clear();
    for (const auto& [key, value] : j["variants"][i].items()) keys.push_back(key);
    CHECK(keys == std::vector<std::string>{"name", "size_bytes", "quantize_seconds", "top1", "top5", "agreement",
                                           "median_ms", "min_ms", "arena_bytes"});
    CHECK(j["variants"][i]["name"] == names[i]);
  }
  CHECK(j["variants"][3]["size_bytes"] == 3'720'000);
  CHECK(j["variants"][3]["top1"] == 0.6081);  // a fraction
  CHECK(j["variants"][3]["median_ms"] == 10.02);
  ComparisonResult r = some_result();
  r.model = "\xff\xfe";  // not valid UTF-8
  for (VariantResult& v : r.variants) {
    v.top1.reset();
    v.top5.reset();
    v.agreement.reset();
  }
  const auto parsed = nlohmann::json::parse(json_text(to_json(r)));
  for (const char* key : {"top1", "top5", "agreement"}) CHECK(parsed["variants"][0][key].is_null());
}

TEST_CASE("report: the page is self-contained and escapes text") {
  const std::string html = html_report(some_result());
  CHECK(wrong_tags(html) == "");
  CHECK(wrong_tags("<p><b></p></b>") != "");  // the check itself works
  for (const char* outside : {"http", "src=", "href=", "@import", "url(", "<script", "<link", "//"})
    CHECK_MESSAGE(html.find(outside) == std::string::npos, outside);
  CHECK(html.find("<meta name=\"viewport\" content=\"width=device-width") != std::string::npos);
  CHECK(html.find("prefers-color-scheme:dark") != std::string::npos);
  CHECK(html.find("<h1>a&lt;b&gt;&quot;&amp;&#39;c</h1>") != std::string::npos);
  for (const char* raw : {"a<b>", "<more>", "<note>", "<warning>", "<x>"})
    CHECK_MESSAGE(html.find(raw) == std::string::npos, raw);
  for (const char* text : {"61.88 %", "60.81 %", "10.0", "3.72", "20.4 k", "4.09 G", "1000 images", "9.5 dB", "exact",
                           "no signal", "45.0 dB"})
    CHECK_MESSAGE(html.find(text) != std::string::npos, text);
  // All positions and sizes in drawings are numbers.
  const std::regex attribute(" (?:x|y|x1|y1|x2|y2|cx|cy|r|width|height)=\"([^\"]*)\"");
  int drawn = 0;
  for (std::sregex_iterator it(html.begin(), html.end(), attribute), end; it != end; ++it, ++drawn)
    CHECK_MESSAGE(std::regex_match((*it)[1].str(), std::regex("[0-9]+(\\.[0-9]+)?%?")), (*it)[0].str());
  CHECK(drawn > 50);
}

TEST_CASE("report: pages with few variants, without labels or layers") {
  ComparisonResult r = some_result();
  for (VariantResult& v : r.variants) {
    v.top1.reset();
    v.top5.reset();
  }
  std::string html = html_report(r);
  CHECK(wrong_tags(html) == "");
  CHECK(html.find("Top-1") == std::string::npos);
  CHECK(html.find("Agreement with float") != std::string::npos);
  r.variants.resize(1);
  r.layers.clear();
  r.errors.clear();
  r.warnings.clear();
  html = html_report(r);
  CHECK(wrong_tags(html) == "");
  CHECK(html.find("Error of each layer") == std::string::npos);
  CHECK(html.find("<h2>Warnings</h2>") == std::string::npos);
  for (int i = 0; i < 300; ++i) {
    r.errors.push_back({"layer " + std::to_string(i), "Convolution", 20.0, 0, 0, 0});
    r.layers.push_back({"layer " + std::to_string(i), "Conv 3x3", 20.0, {}});
  }
  html = html_report(r);
  CHECK(wrong_tags(html) == "");
  CHECK(html.find("All 300 tensors") != std::string::npos);
}

TEST_CASE("report: training curves, and pages for several models") {
  ComparisonResult r = some_result();
  r.variants.push_back({"int8_qat", "Int8 (QAT)", 3'720'000, 0, 0.6288, 0.8752, 0.9, 10.0, 4.8, 1'770'000, "int8"});
  r.training = {{"float32", "Float <b>", 12.5, {{1, 2.0, 0.5, 1.5, 0.6}, {2, 1.0, 0.7, 1.2, 0.65}}},
                {"int8_qat", "QAT", 3, {{0.5, 1.1, 0.7, {}, {}}, {1, std::nan(""), 0.75, 1.1, 0.7}}}};
  const std::string html = html_report("all <of> them", comparison_table(r), {r, some_result()});
  CHECK(wrong_tags(html) == "");
  for (const char* text : {"all &lt;of&gt; them", "All models", "Training: accuracy", "Training: loss",
                           "Float &lt;b&gt;, 12.5 s", "+1.00", "class=\"swatch v4\""})
    CHECK_MESSAGE(html.find(text) != std::string::npos, text);
  CHECK(html.find("nan") == std::string::npos);
  const nlohmann::ordered_json j = to_json(r);
  CHECK(j["training"][0]["seconds"] == 12.5);
  CHECK(j["training"][0]["points"][1]["held_out_accuracy"] == 0.65);
  CHECK(j["training"][1]["points"][0]["held_out_loss"].is_null());

  const Curve line{"v1", {{0, 1}, {1, 3}, {2, 2}}, false};
  const CurveAxes axes = axes_around({line}, short_number);
  CHECK(axes.x_high == 2);
  CHECK(axes.y_low == 1);
  CHECK(axes.y_high == 3);
  CHECK(axes.lines.size() == 5);
  CHECK(axes.lines[1].label == "1.5");
  const std::string svg = curve_chart("t", {line}, axes);
  CHECK(svg.find("<line x1=\"0.00%\" y1=\"188.0\" x2=\"50.00%\" y2=\"8.0\"/>") != std::string::npos);
  CHECK(svg.find("<circle cx=\"100.00%\" cy=\"98.0\"") != std::string::npos);
  const Curve level{"v1", {{1, 5}}, true};  // a single point has axes, too
  const CurveAxes flat = axes_around({level}, short_number);
  CHECK(flat.y_low < flat.y_high);
}

TEST_CASE("report: lengths of bars are proportional to values") {
  const std::string svg = bar_chart("t", {{"a", "1", 1, "v0"}, {"b", "4", 4, "v1"}, {"c", "-", std::nan(""), "v2"}}, 4);
  CHECK(svg.find("class=\"v0\" x=\"0\" y=\"21\" width=\"25.00%\"") != std::string::npos);
  CHECK(svg.find("class=\"v1\" x=\"0\" y=\"61\" width=\"100.00%\"") != std::string::npos);
  CHECK(bar_chart("t", {{"a", "0", 0}}, 0).find("width=\"0.00%\"") != std::string::npos);
  const std::string depth = depth_chart("t", {{"a", 0.5, "good", 1.0}, {"b", 2, "poor", {}}}, {{"half", 0.5}});
  CHECK(depth.find("class=\"good\" x=\"23.000%\" y=\"98.0\" width=\"4.000%\" height=\"90.0\"") != std::string::npos);
  CHECK(depth.find("cy=\"8.0\"") != std::string::npos);
  CHECK(depth.find("class=\"poor\" x=\"73.000%\" y=\"8.0\" width=\"4.000%\" height=\"180.0\"") != std::string::npos);
  CHECK(depth.find("<span style=\"top:98.0px\">half</span>") != std::string::npos);
}

TEST_CASE("accuracy: top-1, top-5, ties, agreement") {
  Accuracy a, b, unlabelled;
  const auto add = [](Accuracy& to, std::vector<float> y, std::vector<std::int64_t> labels) {
    to.add(View<const float>(y), labels);
  };
  add(a, {1, 2, 3, 4, 5, 6}, {5});
  add(a, {1, 2, 3, 4, 5, 6}, {0, 1});  // sixth and fifth
  add(a, {1, 2, 3, 4, 5, 6}, {0});     // sixth
  add(a, {7, 7, 1, 1, 1, 1}, {1});     // the first of equal ones is chosen
  CHECK(a.images() == 4);
  CHECK(a.top1() == 0.25);
  CHECK(a.top5() == 0.75);
  for (int i = 0; i < 4; ++i) add(b, {0, 0, 0, 0, 0, 9}, {});
  CHECK_FALSE(b.top1().has_value());
  CHECK(b.agreement(a) == 0.75);
  CHECK_FALSE(unlabelled.agreement(a).has_value());
  CHECK_THROWS_AS(add(a, {1, 2}, {1, 2}), Error);
}

TEST_CASE("latency: median and minimum") {
  CHECK(summarize({3, 1, 2}).median_ms == 2);
  CHECK(summarize({4, 1, 9, 2}).median_ms == 3);
  CHECK(summarize({4, 1, 9, 2}).min_ms == 1);
  CHECK(summarize({5}).median_ms == 5);
  CHECK(summarize({}).runs == 0);
  Executor e(brightness_model());
  std::int64_t last = 0;
  const auto l =
      measure_latency({&e, &e}, Tensor<float>({1, 4, 4, 1}), 1, 10, [&](std::int64_t done, std::int64_t total) {
        CHECK(done == ++last);
        CHECK(total == 8);
      });
  REQUIRE(l.size() == 2);
  for (const Latency& x : l) {
    CHECK(x.runs == 10);
    CHECK(x.min_ms > 0);
    CHECK(x.min_ms <= x.median_ms);
  }
}

TEST_CASE("advice: inputs far from the calibrated range") {
  const Range unit{0, 1}, tf{-1, 1};
  CHECK_FALSE(input_range_warning({-1, 1}, tf).has_value());
  CHECK_FALSE(input_range_warning({-0.6f, 0.9f}, tf).has_value());  // images with low contrast
  CHECK_FALSE(input_range_warning({-1.2f, 1.1f}, tf).has_value());
  const auto raw = input_range_warning({0, 255}, tf);
  REQUIRE(raw.has_value());
  CHECK(raw->find("--preprocess tf") != std::string::npos);
  const auto narrow = input_range_warning({0, 1}, {0, 255});
  REQUIRE(narrow.has_value());
  CHECK(narrow->find("--preprocess raw") != std::string::npos);
  CHECK(input_range_warning({-1, 1}, unit)->find("--preprocess unit") != std::string::npos);
  for (const std::string& name : normalization_names()) {
    const Range r = recipe_range(normalization(name));
    CHECK_FALSE(input_range_warning(r, r).has_value());
  }
}

TEST_CASE("advice: the range an integer model expects") {
  const Model m = brightness_model();
  CHECK_FALSE(calibrated_input_range(m).has_value());
  Calibrator calibrator(m);
  Tensor<float> x({1, 4, 4, 1});
  for (std::int64_t i = 0; i < 16; ++i) x[i] = static_cast<float>(i) / 15;
  calibrator.add(x);
  for (const bool integer_input : {false, true}) {
    Int8Options o;
    o.integer_input = integer_input;
    const Model q = quantize<int8>(m, calibrator.result(), o);
    CHECK(quantized_form(q) == "int8");
    const auto r = calibrated_input_range(q);
    REQUIRE(r.has_value());
    CHECK(r->low == doctest::Approx(0));
    CHECK(r->high == doctest::Approx(1));
  }
  CHECK(quantized_form(m) == "");
  CHECK(quantized_form(quantize<fp16>(m)) == "");
  WeightOptions small;
  small.least_elements = 1;
  CHECK(quantized_form(quantize<dynamic_range>(m, small)) == "dynamic_range");
}

TEST_CASE("advice: a better preprocessing, or none") {
  const Model m = brightness_model();
  Executor e(m);
  const ImageInput input(m);
  ThreadPool pool(2);
  const auto warning = [&](const DatasetPtr& images, const std::string& recipe) {
    const double top1 =
        accuracy_of({&e}, input, *images, with(recipe), pool, true, [](std::int64_t, std::int64_t) {})[0]
            .top1()
            .value();
    return accuracy_warning(e, input, images, with(recipe), recipe, top1, pool);
  };
  const auto right = std::make_shared<Brightness>(40, levels),
             wrong = std::make_shared<Brightness>(40, levels, true, 2);
  CHECK(accuracy_of({&e}, input, *right, with("unit"), pool, true, [](std::int64_t, std::int64_t) {})[0].top1() == 1.0);
  const auto raw = warning(right, "raw");
  REQUIRE(raw.has_value());
  CHECK(raw->find("--preprocess unit it is 100.0 %") != std::string::npos);
  CHECK(raw->find("25.0 %") != std::string::npos);
  const auto hopeless = warning(wrong, "unit");  // all labels are wrong
  REQUIRE(hopeless.has_value());
  CHECK(hopeless->find("chance") != std::string::npos);
}

TEST_CASE("compare: measures every form of a model") {
  const TemporaryFolder folder;
  const auto images = std::make_shared<Brightness>(24, levels), calibration = std::make_shared<Brightness>(8, levels);
  CompareOptions o;
  o.preprocessing = with("unit");
  o.preprocessing_name = "unit";
  o.runs = 8;
  o.threads = 2;
  o.directory = folder / "";
  o.dynamic.least_elements = 1;
  std::set<std::string> stages;
  o.progress = [&](const std::string& stage, std::int64_t done, std::int64_t total) {
    stages.insert(stage);
    CHECK(done <= total);
  };
  const ComparisonResult r = compare_with_advice(brightness_model(), images, calibration, o);
  REQUIRE(r.variants.size() == 4);
  CHECK(r.images == 24);
  CHECK(r.calibration_images == 8);
  CHECK(r.parameters == 68);
  CHECK(r.macs == 64);
  const std::vector<std::string> names{"float32", "dynamic_range", "float16", "int8"};
  for (std::size_t i = 0; i < 4; ++i) {
    const VariantResult& v = r.variants[i];
    CHECK(v.name == names[i]);
    CHECK(v.size_bytes > 0);
    CHECK(v.top1 == 1.0);
    CHECK(v.top5 == 1.0);
    CHECK(v.agreement == 1.0);
    CHECK(v.min_ms > 0);
    if (i == 0) continue;
    CHECK(v.size_bytes == static_cast<std::int64_t>(contents(folder / (v.name + ".octet")).size()));
    CHECK(quantized_form(load_octet(folder / (v.name + ".octet"))) == (i == 2 ? "" : v.name));
  }
  CHECK(r.variants[3].arena_bytes > 0);
  o.further.push_back({"twin", "Twin", [] { return brightness_model(); }});
  const ComparisonResult more = compare_with_advice(brightness_model(), images, calibration, o);
  REQUIRE(more.variants.size() == 5);
  CHECK(more.find("twin")->agreement == 1.0);
  CHECK(more.find("twin")->weights == "float32");
  CHECK(more.find("nothing") == nullptr);
  CHECK(more.layers.size() == r.layers.size());
  o.further.clear();
  CHECK(r.warnings.empty());
  CHECK(r.notes.empty());
  REQUIRE(r.layers.size() >= 1);
  CHECK(r.layers.back().name == "scores");
  CHECK(r.layers.back().kind == "Dense");
  CHECK(r.layers.back().weights_db.value_or(0) > 20);
  CHECK(std::is_sorted(r.errors.begin(), r.errors.end(),
                       [](const LayerError& a, const LayerError& b) { return a.sqnr_db < b.sqnr_db; }));
  CHECK(stages ==
        std::set<std::string>{"quantizing", "calibrating", "measuring accuracy", "measuring time", "comparing layers"});

  // Images that differ a lot from those of the calibration, without labels.
  const ComparisonResult odd =
      compare_with_advice(brightness_model(), std::make_shared<Brightness>(8, std::vector<int>{255, 250}, false),
                          std::make_shared<Brightness>(8, std::vector<int>{10, 0}, false), o);
  REQUIRE(odd.warnings.size() == 1);
  CHECK(odd.warnings[0].find("calibrated for [0, 0.039") != std::string::npos);
  REQUIRE(odd.notes.size() == 1);
  CHECK(odd.notes[0].find("no labels") != std::string::npos);
  for (const VariantResult& v : odd.variants) {
    CHECK_FALSE(v.top1.has_value());
    CHECK(v.agreement.has_value());
  }
}

TEST_CASE("compare: a quantized model is measured alone") {
  const TemporaryFolder folder;
  const Model m = brightness_model();
  const auto images = std::make_shared<Brightness>(8, levels);
  CompareOptions o;
  o.preprocessing = with("unit");
  o.runs = 8;
  o.directory = folder / "";
  Calibrator calibrator(m);
  for (const Tensor<float>& x : ImageInput(m).load(*images, 0, 8, o.preprocessing, *default_pool())) calibrator.add(x);
  const ComparisonResult r = compare(quantize<int8>(m, calibrator.result()), images, images, o);
  REQUIRE(r.variants.size() == 1);
  CHECK(r.variants[0].name == "int8");
  CHECK(r.variants[0].top1 == 1.0);
  CHECK(r.calibration_images == 0);
  CHECK(r.layers.empty());
  REQUIRE(r.notes.size() == 1);
}
