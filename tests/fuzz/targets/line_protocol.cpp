// Line protocol: the same lines however the text is cut.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "pipelines/decode/line_protocol.hpp"

namespace {

using namespace factory;

std::string describe(const line_row& row) {
  std::string text(row.measurement);
  for (const line_tag& tag : row.tags) text.append("\1").append(tag.key).append("\2").append(tag.value);
  fuzz::require(!row.fields.empty(), "a row has a field");
  for (const line_field& field : row.fields) {
    text.append("\3").append(field.key).append("\4").append(field.text);
    text.append(std::to_string(static_cast<int>(field.what))).append(std::to_string(field.number));
    fuzz::require(field.number - field.number == 0, "numbers are finite");
  }
  return text + (row.time ? std::to_string(*row.time) : "-");
}

std::vector<std::string> read(std::string_view text, std::size_t piece) {
  std::vector<std::string> lines;
  line_reader reader;
  std::size_t at = 0, end = 0;
  for (bool last = false; !last;) {
    end = std::min(text.size(), end + piece);
    last = end == text.size();
    const fuzz::exact window(text.substr(at, end - at));
    std::string_view left = window.view();
    for (auto found = reader.next(left, last);; found = reader.next(left, last)) {
      if (found == line_reader::found::end || found == line_reader::found::more) {
        fuzz::require(!last || found == line_reader::found::end, "the last text has an end");
        break;
      }
      const std::string what = found == line_reader::found::row ? describe(reader.row()) : "refused: " + reader.reason();
      lines.push_back(std::to_string(reader.line()) + " " + what);
    }
    at += window.view().size() - left.size();
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::size_t piece = 1 + in.byte() % 64;
  fuzz::require(read(in.rest(), piece) == read(in.rest(), in.rest().size() + 1), "the same lines however the text is cut");
  return 0;
}
