#include <algorithm>

#include "pipelines/decode/decode.hpp"
#include "pipelines/decode/json_columns.hpp"
#include "pipelines/decode/json_plain.hpp"
#include "pipelines/decode/json_row.hpp"
#include "pipelines/decode/json_text.hpp"
#include "pipelines/model/limits.hpp"

namespace factory {

using namespace json_text;

namespace {

std::size_t most_readings(const decode_options& options) {
  return options.max_readings != 0 ? options.max_readings : limits::readings_per_body;
}

tl::unexpected<error> too_many(const decode_options& options) {
  return fail(errc::too_large, "more than " + std::to_string(most_readings(options)) + " readings in one body; send several");
}

/// Plain bodies know ids alone.
template <class Read>
std::optional<std::uint64_t> plain(std::string_view text, const decode_options& options, std::size_t most, batch_builder& out,
                                   Read read) {
  return options.names == nullptr ? read(text, options, most, out) : std::nullopt;
}

/// Reads the rows of an array; CAPACITY when there are more than allowed.
error_code read_rows(ondemand::array& array, const decode_options& options, row_sink& sink) {
  member_reader read(options);
  const std::size_t most = most_readings(options);
  for (auto next : array) {
    ondemand::value element;
    ondemand::object object;
    if (const error_code code = std::move(next).get(element)) return code;
    if (sink.row_count() == most) return simdjson::CAPACITY;
    const error_code kind = element.get_object().get(object);
    if (kind == simdjson::INCORRECT_TYPE) {
      if (const error_code damage = check(element, 1)) return damage;
      sink.refuse("", "must be an object");
    } else if (kind) {
      return kind;
    } else {
      row into;
      if (const error_code damage = read_row(object, read, into)) return damage;
      deliver(into, sink);
    }
  }
  return simdjson::SUCCESS;
}

}  // namespace

struct json_decoder::impl {
  body text;
  column_buffers columns;

  /// Opens the text, reads its root value with `read(document, sink)`, and removes rows from `out` that must not be stored.
  template <class Read>
  expected<decode_result> run(std::string_view bytes, const decode_options& options, batch_builder& out, Read read) {
    decode_result result;
    row_sink sink(options, out, result);
    expected<void> done;
    if (auto document = text.open(bytes)) {
      done = read(*document, sink);
    } else {
      done = tl::unexpected(std::move(document.error()));
    }
    text.close();
    if (!done || (result.error_count != 0 && !options.partial)) out.clear();
    if (!done) return tl::unexpected(std::move(done.error()));
    return result;
  }

  /// The parser's verdict about the root value and the text after it.
  expected<void> proved(error_code code, ondemand::document& document, const decode_options& options) const {
    if (!code) code = body::finish(document);
    if (code == simdjson::CAPACITY) return too_many(options);
    if (code) return tl::unexpected(text.damage(code, document));
    return {};
  }

  expected<void> read_one(ondemand::document& document, const decode_options& options, row_sink& sink) const {
    ondemand::object object;
    error_code code = document.get_object().get(object);
    if (code == simdjson::INCORRECT_TYPE) return fail(errc::malformed, "the body must be one reading: a JSON object");
    member_reader read(options);
    row into;
    if (!code) code = read_row(object, read, into);
    return proved(code, document, options).map([&] { deliver(into, sink); });
  }

  expected<void> read_columns(ondemand::document& document, const decode_options& options, row_sink& sink) {
    ondemand::object object;
    error_code code = document.get_object().get(object);
    if (code == simdjson::INCORRECT_TYPE) {
      return fail(errc::malformed, "the body must be an array of readings, one reading, or an object of columns");
    }
    column_reader reader(options, most_readings(options), columns);
    if (!code) code = reader.read(object);
    return proved(code, document, options).and_then([&] { return reader.deliver(sink); });
  }

  expected<void> read_bulk(ondemand::document& document, const decode_options& options, row_sink& sink) {
    ondemand::array array;
    error_code code = document.get_array().get(array);
    if (code == simdjson::INCORRECT_TYPE) return read_columns(document, options, sink);
    if (!code) code = read_rows(array, options, sink);
    return proved(code, document, options);
  }
};

json_decoder::json_decoder() : impl_(std::make_unique<impl>()) {}
json_decoder::~json_decoder() = default;
json_decoder::json_decoder(json_decoder&&) noexcept = default;
json_decoder& json_decoder::operator=(json_decoder&&) noexcept = default;

expected<decode_result> json_decoder::one(std::string_view text, const decode_options& options, batch_builder& out) {
  if (const auto rows = plain(text, options, 1, out, json_plain::read_lines)) return decode_result{*rows, 0, {}};
  return impl_->run(text, options, out, [&](auto& document, row_sink& sink) { return impl_->read_one(document, options, sink); });
}

expected<decode_result> json_decoder::bulk(std::string_view text, const decode_options& options, batch_builder& out) {
  const auto read = text.starts_with('{') ? json_plain::read_columns : json_plain::read_rows;
  if (const auto rows = plain(text, options, most_readings(options), out, read)) return decode_result{*rows, 0, {}};
  return impl_->run(text, options, out,
                    [&](auto& document, row_sink& sink) { return impl_->read_bulk(document, options, sink); });
}

expected<decode_result> json_decoder::lines(std::string_view text, const decode_options& options, batch_builder& out) {
  if (options.members == nullptr)
    if (const auto rows = plain(text, options, most_readings(options), out, json_plain::read_lines))
      return decode_result{*rows, 0, {}};
  decode_result result;
  row_sink sink(options, out, result);
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (result.row_count == most_readings(options)) {
      out.clear();
      return too_many(options);
    }
    expected<ondemand::document> document = impl_->text.open(line);
    expected<void> read;
    if (document) read = impl_->read_one(*document, options, sink);
    if (!document) read = tl::unexpected(std::move(document.error()));
    if (!read) sink.refuse("", std::move(read.error().message));
  }
  impl_->text.close();
  if (result.error_count != 0 && !options.partial) out.clear();
  return result;
}

}  // namespace factory
