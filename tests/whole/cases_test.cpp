#include "support/cases.hpp"

#include <chrono>
#include <iostream>
#include <octet/io/image.hpp>
#include <octet/io/model_file.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <set>

#include "support/isas.hpp"
#include "support/sanitized.hpp"
#include "testing.hpp"

// Runs the cases of shared/cases, if that folder exists, in every form that they list.
namespace {

using namespace testing;
using namespace testing::cases;

/// Known failures. The test fails if one of them passes.
const std::set<std::string> not_served{"cle_relu", "concat_scales", "model_mp_selfie_segmentation"};
const std::set<std::string> hostile_not_refused{};

/// Describes what is wrong; empty if nothing is.
using Problems = std::vector<std::string>;

void check_float(const Case& c, const std::vector<std::vector<float>>& y, const std::string& form, Problems& problems) {
  const auto references = c.references();
  for (std::size_t o = 0; o < references.size(); ++o) {
    const Json& out = c.json().at("outputs")[o];
    const auto &r = references[o], &x = y[o];
    if (r.size() != x.size()) {
      problems.push_back(form + ": another number of elements");
      continue;
    }
    const double largest = out.at("max_abs"), relative = out.at("max_rel");
    std::size_t wrong = 0, loose = 0;
    double worst = 0;
    for (std::size_t i = 0; i < r.size(); ++i) {
      const double d = std::abs(static_cast<double>(x[i]) - static_cast<double>(r[i]));
      const bool equal = std::isnan(r[i])
                             ? std::isnan(x[i])
                             : r[i] == x[i] || d <= largest + relative * std::abs(static_cast<double>(r[i]));
      wrong += !equal;
      loose += d > out.value("tight_abs", largest);
      if (!equal) worst = std::max(worst, d);
    }
    if (wrong != 0)
      problems.push_back(form + ": " + std::to_string(wrong) + " of " + std::to_string(r.size()) + " elements of '" +
                         out.at("name").get<std::string>() + "' are wrong, by up to " + std::to_string(worst));
    if (static_cast<double>(loose) > out.value("tight_share", 1.0) * static_cast<double>(r.size()))
      problems.push_back(form + ": " + std::to_string(loose) + " of " + std::to_string(r.size()) +
                         " elements are not exact");
  }
}

void check_db(const std::string& form, double db, const Json& limits, const char* field, Problems& problems) {
  if (limits.contains(field) && db < limits.at(field).get<double>())
    problems.push_back(form + ": " + std::to_string(db) + " dB, expected " +
                       std::to_string(limits.at(field).get<double>()));
}

void check_int8_extras(const Json& out, const std::vector<float>& reference, const std::vector<float>& y,
                       const std::string& form, Problems& problems) {
  for (const Json& p : out.value("parts", Json::array())) {
    const Part part{p.at("axis"), p.at("begin"), p.at("end")};
    check_db(form + " part " + std::to_string(part.begin), sqnr_db(reference, y, shape_of(out.at("shape")), part), p,
             "int8_min_sqnr_db", problems);
  }
  double worst = 0;
  std::size_t same = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(y[i] - reference[i])));
    same += y[i] == reference[i];
  }
  if (out.contains("int8_max_abs") && !(worst <= out.at("int8_max_abs").get<double>()))
    problems.push_back(form + ": error " + std::to_string(worst));
  if (out.contains("int8_min_agreement") &&
      static_cast<double>(same) < out.at("int8_min_agreement").get<double>() * static_cast<double>(reference.size()))
    problems.push_back(form + ": " + std::to_string(same) + " of " + std::to_string(reference.size()) + " are equal");
}

void check_sqnr(const Case& c, const Model& model, const std::string& form, Problems& problems) {
  const auto references = c.references(), y = c.run(model);
  const std::string field = form.substr(0, form.find(' ')) + "_min_sqnr_db";
  for (std::size_t o = 0; o < references.size(); ++o) {
    const Json& out = c.json().at("outputs")[o];
    const std::string what = form + " '" + out.at("name").get<std::string>() + "'";
    if (out.contains(field))
      check_db(what, sqnr_db(references[o], y[o], shape_of(out.at("shape"))), out, field.c_str(), problems);
    if (form.rfind("int8", 0) == 0) check_int8_extras(out, references[o], y[o], what, problems);
  }
}

bool asks(const Case& c, const std::string& form) {
  if (c.has((form + "_error").c_str())) return true;
  for (const Json& o : c.json().at("outputs")) {
    if (o.contains(form + "_min_sqnr_db")) return true;
    if (form == "int8" && (o.contains("parts") || o.contains("int8_max_abs") || o.contains("int8_min_agreement")))
      return true;
  }
  return false;
}

/// Makes a form and checks its outputs, or checks that it is refused if the case says so.
template <class Make>
void check_form(const Case& c, const std::string& form, Make make, Problems& problems) {
  const std::string kind = form.substr(0, form.find(' '));
  const std::string error = c.json().value(kind + "_error", "");
  const bool error_allowed = c.json().value(kind + "_error_allowed", false);
  try {
    const Model m = make();
    if (error.empty())
      check_sqnr(c, m, form, problems);
    else
      problems.push_back(form + ": not refused");
  } catch (const Error& e) {
    const std::string text = e.what();
    if (error.empty() ? !error_allowed : text.find(error) == std::string::npos) problems.push_back(form + ": " + text);
  }
}

Int8Options int8_options(const Case& c) {
  Int8Options options;
  for (const Json& n : c.json().value("keep_float", Json::array())) options.keep_float.push_back(n);
  return options;
}

RangeMethod method_of(const std::string& name) {
  if (name == "percentile") return RangeMethod::percentile;
  if (name == "entropy") return RangeMethod::entropy;
  return name == "mse" ? RangeMethod::mse : RangeMethod::min_max;
}

void check_int8(const Case& c, const Model& model, Problems& problems) {
  std::vector<std::string> methods = c.json().value("methods", std::vector<std::string>{});
  if (methods.empty()) methods = {c.json().value("range_method", "mse")};
  for (const std::string& method : methods) {
    CalibrationOptions calibration;
    calibration.method = method_of(method);
    for (bool symmetric : {false, true}) {
      if (symmetric && !c.json().value("symmetric_too", false)) continue;
      check_form(
          c, "int8 " + method + (symmetric ? " symmetric" : ""),
          [&] {
            Int8Options options = int8_options(c);
            options.symmetric_activations = symmetric;
            return quantize<int8>(model, c.calibrate(model, calibration), options);
          },
          problems);
    }
  }
}

std::string file_of(const Case& c, const Model& model) {
  TemporaryFile file(c.name() + ".octet");
  save(quantize<int8>(model, c.calibrate(model)), file.path);
  return contents(file.path);
}

void check_every_isa(const Case& c, const Model& model, Problems& problems) {
  std::set<std::string> files;
  for (Isa isa : available_isas()) {
    const UseIsa use(isa);
    files.insert(file_of(c, model));
  }
  if (files.size() != 1) problems.push_back("quantizing gives another file on another instruction set");
}

void check_batch(const Case& c, const Model& model, Problems& problems) {
  Executor executor(model);
  const std::vector<AnyTensor> batch = c.first_inputs(executor.graph());
  const AnyTensor& x = batch.at(0);
  Shape one = x.shape();
  one[0] = 1;
  const AnyTensor first = AnyTensor::make(
      x.dtype(), one, [&](std::byte* p) { std::memcpy(p, x.data(), bytes(x.dtype(), one.elements())); });
  const auto all = executor.run(batch), alone = executor.run({first});
  for (std::size_t o = 0; o < all.size(); ++o)
    if (std::memcmp(all[o].data(), alone[o].data(), alone[o].size_bytes()) != 0)
      problems.push_back("an image's result depends on the others of its batch");
}

Problems problems_of(const Case& c) {
  Problems problems;
  try {
    const TemporaryFolder temporary;
    const Model model = c.load(temporary);
    if (c.json().value("float", false)) check_float(c, c.run(model), "float", problems);
    if (c.json().value("unoptimized_too", false)) {
      ExecutorOptions options;
      options.optimize = false;
      check_float(c, c.run(model, options), "float, not optimized", problems);
    }
    if (asks(c, "int8")) check_int8(c, model, problems);
    if (asks(c, "dynamic"))
      check_form(
          c, "dynamic", [&] { return quantize<dynamic_range>(model); }, problems);
    if (asks(c, "fp16"))
      check_form(
          c, "fp16", [&] { return quantize<fp16>(model); }, problems);
    if (asks(c, "bf16"))
      check_form(
          c, "bf16", [&] { return quantize<bf16>(model); }, problems);
    if (c.json().value("same_file_on_every_isa", false)) check_every_isa(c, model, problems);
    if (c.json().value("independent_of_batch", false)) {
      check_batch(c, model, problems);
      check_batch(c, quantize<int8>(model, c.calibrate(model)), problems);
      check_batch(c, quantize<dynamic_range>(model), problems);
    }
  } catch (const Error& e) {
    const std::string allowed = c.json().value("load_error_allowed", ""), text = e.what();
    if (allowed.empty() || text.find(allowed) == std::string::npos) problems.push_back(text);
  }
  return problems;
}

/// Loads a file and, if it is a model, runs it.
void use_file(const std::string& format, const std::string& path) {
  if (format == "image") {
    load_image(path);
  } else if (format == "calibration") {
    load_calibration(path);
  } else {
    const Model model = load(path);
    Executor executor(model);
    std::vector<AnyTensor> inputs;
    for (int v : executor.graph().inputs) {
      Shape shape = executor.graph().value(v).shape;
      for (int d = 0; d < shape.rank(); ++d)
        if (shape[d] == Shape::unknown) shape[d] = 1;
      inputs.push_back(AnyTensor::make(executor.graph().value(v).dtype, shape, [](std::byte*) {}));
    }
    executor.run(inputs);
  }
}

void missing_folder() { MESSAGE("skipped: needs the folder shared/cases"); }

/// OCTET_CASE: a part of the names of the cases to run; null: all.
const char* selection() { return std::getenv("OCTET_CASE"); }
bool is_selected(const std::string& name) { return !selection() || name.find(selection()) != std::string::npos; }

}  // namespace

TEST_CASE("cases: models give the reference outputs in every form") {
  const std::string folder = shared_file("cases");
  if (folder.empty()) return missing_folder();
  const Json all = Json::parse(contents(folder + "/cases.json"));
  std::size_t right = 0;
  for (const Json& description : all.at("cases")) {
    const Case c(description, folder);
    if (!is_selected(c.name())) continue;
    CAPTURE(c.name());
    const Problems problems = problems_of(c);
    right += problems.empty();
    if (!selection() && not_served.count(c.name()) != 0) {
      CHECK_MESSAGE(!problems.empty(), c.name(), " is right and need not be among those not served");
      continue;
    }
    for (const std::string& p : problems) FAIL_CHECK(c.name(), ": ", p);
  }
  MESSAGE(right, " of ", all.at("cases").size(), " cases are right");
}

TEST_CASE("cases: hostile files are refused, or run") {
  const std::string folder = shared_file("cases");
  if (folder.empty()) return missing_folder();
  const Json all = Json::parse(contents(folder + "/cases.json"));
  for (const Json& h : all.at("hostile")) {
    const std::string name = h.at("name"), must = h.at("must");
    if (!is_selected(name)) continue;
    if (hostile_not_refused.count(name) != 0) continue;
    CAPTURE(name);
    std::string error;
    const auto start = std::chrono::steady_clock::now();
    try {
      use_file(h.at("format"), folder + "/" + h.at("file").get<std::string>());
    } catch (const Error& e) {
      error = e.what();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (must == "error") CHECK_MESSAGE(!error.empty(), name, " is not refused");
    if (must == "run") CHECK_MESSAGE(error.empty(), name, ": ", error);
    // generous: only detects hangs
    CHECK_MESSAGE(seconds.count() < 20 * testing::slowdown * h.at("max_seconds").get<double>(), name, " took ",
                  seconds.count(), " s");
  }
}
