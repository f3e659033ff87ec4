#include <flatbuffers/flatbuffers.h>

#include <octet/graph/metadata.hpp>
#include <octet/import/tflite/metadata_schema.hpp>
#include <octet/import/tflite/schema.hpp>
#include <octet/io/labels.hpp>
#include <octet/io/load.hpp>
#include <octet/io/model_file.hpp>
#include <octet/io/preprocessing.hpp>
#include <octet/operators/all.hpp>

#include "support/exported.hpp"
#include "support/files.hpp"

// What a model's file says besides the graph goes with it into other formats, and back.

using namespace octet;
using namespace testing;

namespace {

/// An image to scores of classes.
Graph classifier(std::int64_t classes, std::int64_t channels = 3) {
  Graph g;
  const int x = g.add_input("image", {Shape::unknown, 8, 8, channels});
  const int v = g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {x});
  const int w = g.add_constant("w", random_tensor({classes, channels}, 3));
  g.outputs = {g.add("scores", FullyConnected(), {v, w})};
  return g;
}

std::uint32_t word(const std::string& bytes, std::size_t at) {
  std::uint32_t x;
  std::memcpy(&x, bytes.data() + at, 4);
  return x;
}

}  // namespace

TEST_CASE("metadata: a model's recipe and labels survive .octet to .tflite to .onnx to .octet") {
  const TemporaryFolder folder;
  for (const char* recipe : {"tf", "torch", "caffe", "unit", "raw"}) {
    CAPTURE(std::string(recipe));
    Model m = classifier(3);
    m.metadata = {{"preprocess", recipe}, {"crop", "0.9"}, {"resize", "antialias"}, {"labels", "cat\ndog\nold car\n"},
                  {"empty", ""},          {"a:b", "c\nd"}};
    save(m, folder / "0.octet");
    const char* before = "0.octet";
    for (const char* file : {"1.tflite", "2.onnx", "3.tflite", "4.octet"}) {
      save(load(folder / before), folder / file);
      before = file;
      Model back = load(folder / file);
      CHECK(back.metadata.at("producer") == "octet");
      back.metadata.erase("producer");
      back.metadata.erase("format");
      back.metadata.erase(dimension_key("image", 0));  // a name that every ONNX file gives to the open dimension
      back.metadata.erase(layout_key("image"));        // ONNX files have it in the model's order
      CHECK(back.metadata == m.metadata);
    }
  }
}

TEST_CASE("metadata: TFLite files have normalization and labels as other programs read them") {
  Model m = classifier(3);
  m.metadata = {{"preprocess", "torch"}, {"labels", "cat\ndog\nold car\n"}};
  const std::string file = write_tflite(m);
  CHECK(write_tflite(m) == file);
  CHECK(file.find("TFLITE_METADATA") != std::string::npos);
  CHECK(file.find("M001") != std::string::npos);
  // A zip archive at the end, with offsets from the beginning of the file.
  const std::size_t end = file.size() - 22;
  REQUIRE(file.substr(end, 4) == "PK\x05\x06");
  const std::size_t directory = word(file, end + 16);
  REQUIRE(file.substr(directory, 4) == "PK\x01\x02");
  CHECK(word(file, directory + 16) == 0x0A25EB13u);  // CRC-32 of the labels
  const std::size_t local = word(file, directory + 42);
  REQUIRE(file.substr(local, 4) == "PK\x03\x04");
  CHECK(file.substr(local + 30, 10) == "labels.txt");
  CHECK(file.substr(local + 40, 16) == "cat\ndog\nold car\n");

  // Read without what octet stored for itself, as files of others are.
  std::string other = file;
  for (std::size_t at; (at = other.find("octet.")) != std::string::npos;) other[at + 5] = '_';
  const Model back = parsed(other, Format::tflite);
  CHECK(back.metadata.at("preprocess") == "torch");
  CHECK(back.metadata.at("labels") == "cat\ndog\nold car\n");
  CHECK(parse_labels(back.metadata.at("labels"), "labels").name(2) == "old car");

  // Numbers without a name stay numbers. (The mean of channel 0 is moved.)
  const auto mean = static_cast<float>(normalization("torch").mean[0]);
  const std::string bytes(reinterpret_cast<const char*>(&mean), 4);
  const std::size_t place = other.find(bytes);
  REQUIRE(place != std::string::npos);
  const float moved = 120;
  std::memcpy(&other[place], &moved, 4);
  const Model unknown = parsed(other, Format::tflite);
  CHECK(unknown.metadata.count("preprocess") == 0);
  CHECK(unknown.metadata.at("normalization") == "(pixel - [120, 116.28, 103.53]) / [58.395, 57.12, 57.375]");
}

TEST_CASE("metadata: names of classes with digits keep them") {
  for (const char* const file : {"5.tflite", "5.onnx", "5.octet"}) {
    CAPTURE(std::string(file));
    for (const std::vector<std::string>& names : {std::vector<std::string>{"7 seven", "8 eight", "9 nine"},
                                                  {"0 zero", "1 one", "2 two"},
                                                  {"1:1 scale", "2:1 scale", "4:3"},
                                                  {"3", "2", "1"},
                                                  {"number name", "1000 miles", "n95 mask"}}) {
      const TemporaryFolder folder;
      Model m = classifier(3);
      m.metadata["labels"] = labels_text(Labels(names));
      save(m, folder / file);
      const Labels back = parse_labels(load(folder / file).metadata.at("labels"), "labels");
      REQUIRE(back.size() == 3);
      for (std::size_t i = 0; i < 3; ++i) CHECK(back.name(static_cast<std::int64_t>(i)) == names[i]);
    }
  }
}

TEST_CASE("metadata: each class has one line, whatever its name") {
  Labels labels({"a\nb", "", "c\r\nd"});
  CHECK(labels_text(labels) == "a b\nclass 1\nc  d\n");
  CHECK(parse_labels(labels_text(labels), "labels").size() == 3);
}

TEST_CASE("metadata: nothing is written that is not known") {
  Model m = classifier(3);
  CHECK(write_tflite(m).find("TFLITE_METADATA") == std::string::npos);
  m.metadata["preprocess"] = "caffe";  // BGR, which TFLite Metadata cannot say
  CHECK(write_tflite(m).find("TFLITE_METADATA") == std::string::npos);
  m.metadata["preprocess"] = "unit";
  CHECK(write_tflite(m).find("TFLITE_METADATA") != std::string::npos);
  m.metadata = {{"labels", "one\ntwo\n"}};  // not as many as outputs
  const std::string file = write_tflite(m);
  CHECK(file.find("TFLITE_METADATA") == std::string::npos);
  CHECK(parsed(file, Format::tflite).metadata.at("labels") == "one\ntwo\n");
}

TEST_CASE("metadata: a small file whose texts are all in one place does not need much memory") {
  Model m = classifier(3);
  m.metadata["a"] = std::string(10000, 'x');
  for (int i = 0; i < 50; ++i) m.metadata["b" + std::to_string(i)] = "";
  std::string file = write_tflite(m);
  CHECK(parsed(file, Format::tflite).metadata.at("a").size() == 10000);
  SaveOptions little;
  little.largest_file = 9000;
  CHECK_THROWS_WITH_AS(write_tflite(m, little), doctest::Contains("metadata of 10"), FormatError);
  using Tables = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::Table>>;
  const auto slot = [](int field) { return static_cast<flatbuffers::voffset_t>(4 + 2 * field); };
  auto* texts = flatbuffers::GetMutableRoot<flatbuffers::Table>(file.data())
                    ->GetPointer<Tables*>(slot(detail::tflite::model_field::metadata));
  const flatbuffers::voffset_t buffer = slot(detail::tflite::metadata_field::buffer);
  for (flatbuffers::uoffset_t i = 1; i < texts->size(); ++i)
    texts->GetMutableObject(i)->SetField<std::uint32_t>(buffer, texts->Get(0)->GetField<std::uint32_t>(buffer, 0), 0);
  CHECK_THROWS_WITH_AS(parsed(file, Format::tflite), doctest::Contains("more metadata"), FormatError);
}

TEST_CASE("metadata: a damaged archive or damaged metadata does not harm") {
  Model m = classifier(3);
  m.metadata = {{"preprocess", "torch"}, {"labels", "cat\ndog\nold car\n"}};
  const std::string file = write_tflite(m);
  const std::size_t start = file.find("PK\x03\x04");
  for (std::size_t at = start; at < file.size(); ++at)
    for (const char with : {'\x00', '\xff', '\x7f'}) {
      std::string damaged = file;
      damaged[at] = with;
      CHECK(parsed(damaged, Format::tflite).metadata.at("preprocess") == "torch");
    }
  for (std::size_t size = start; size < file.size(); ++size)
    CHECK(parsed(file.substr(0, size), Format::tflite).metadata.count("labels") == 0);
  const std::size_t buffer = file.find("M001");
  for (std::size_t at = buffer - 8; at < buffer + 300; ++at) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    try {
      parsed(damaged, Format::tflite);
    } catch (const FormatError&) {
    }
  }
}
