#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/model/time.hpp"

namespace factory {

/// JSON text, written once from front to back. Doubles come out in their shortest form that reads back bit for bit (RapidJSON's
/// Grisu2; proven by a test over random bit patterns); NaN and infinities as null. Texts must be valid UTF-8.
class json_writer {
 public:
  explicit json_writer(std::size_t capacity_bytes = 512) : buffer_(nullptr, capacity_bytes), writer_(buffer_) {}
  json_writer(const json_writer&) = delete;
  json_writer& operator=(const json_writer&) = delete;

  json_writer& begin_object() { return writer_.StartObject(), *this; }
  json_writer& end_object() { return writer_.EndObject(), *this; }
  json_writer& begin_array() { return writer_.StartArray(), *this; }
  json_writer& end_array() { return writer_.EndArray(), *this; }
  json_writer& key(std::string_view name) { return writer_.Key(name.data(), length(name)), *this; }

  json_writer& value(std::nullptr_t) { return writer_.Null(), *this; }
  json_writer& value(bool flag) { return writer_.Bool(flag), *this; }
  json_writer& value(double number) {
    std::isfinite(number) ? writer_.Double(number) : writer_.Null();
    return *this;
  }
  template <std::integral Integer>
  json_writer& value(Integer number) {
    if constexpr (std::signed_integral<Integer>) {
      writer_.Int64(number);
    } else {
      writer_.Uint64(number);
    }
    return *this;
  }
  json_writer& value(std::string_view text) { return writer_.String(text.data(), length(text)), *this; }
  json_writer& value(const char* text) { return value(std::string_view(text)); }
  template <class T>
  json_writer& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : value(nullptr);
  }
  /// A time as RFC 3339 text in UTC.
  json_writer& time(std::int64_t time_us) { return value(std::string_view(format_time(time_us))); }
  /// Inserts JSON that was written elsewhere. REQUIRES: it is valid.
  json_writer& raw(std::string_view json) {
    writer_.RawValue(json.data(), json.size(), rapidjson::kObjectType);
    return *this;
  }

  template <class T>
  json_writer& member(std::string_view name, const T& content) {
    return key(name).value(content);
  }
  json_writer& time_member(std::string_view name, std::int64_t time_us) { return key(name).time(time_us); }

  std::size_t size() const { return buffer_.GetSize(); }
  /// Valid until more is written.
  std::string_view view() const { return {buffer_.GetString(), buffer_.GetSize()}; }
  /// Clears the text, to write another one.
  void begin_again() {
    buffer_.Clear();
    writer_.Reset(buffer_);
  }
  std::string text() const { return {buffer_.GetString(), buffer_.GetSize()}; }

 private:
  static rapidjson::SizeType length(std::string_view text) { return static_cast<rapidjson::SizeType>(text.size()); }

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
};

/// A duration in milliseconds: a whole number without a fraction.
inline void write_ms(json_writer& out, std::int64_t duration_us) {
  duration_us % 1'000 == 0 ? out.value(duration_us / 1'000) : out.value(static_cast<double>(duration_us) / 1'000);
}

}  // namespace factory
