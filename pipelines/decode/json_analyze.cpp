#include <algorithm>
#include <utility>

#include "pipelines/decode/decode.hpp"
#include "pipelines/decode/json_names.hpp"
#include "pipelines/decode/json_row.hpp"
#include "pipelines/decode/json_text.hpp"
#include "pipelines/model/limits.hpp"

namespace factory {

using namespace json_text;

namespace {

constexpr std::string_view item_time_synonyms[] = {"ts", "time", "date", "datetime"};
constexpr std::string_view item_value_synonyms[] = {"val"};
constexpr known_name body_names[] = {{"readings"}, {"threshold"}};
constexpr known_name item_names[] = {{"id"}, {"value", item_value_synonyms}, {"timestamp", item_time_synonyms}};

/// Reads the body of the anomaly service. Keeps the first refusal while it checks the rest.
class analyze_reader {
 public:
  error_code read(ondemand::object& object) {
    bool has_readings = false, has_threshold = false;
    for (auto next : object) {
      ondemand::field field;
      std::string_view key;
      if (const error_code code = std::move(next).get(field)) return code;
      if (const error_code code = read_key(field, key)) return code;
      ondemand::value& value = field.value();
      error_code damage = simdjson::SUCCESS;
      if (key == "readings") {
        damage = once(has_readings, "readings") ? read_readings(value) : check(value, 1);
      } else if (key == "threshold") {
        damage = once(has_threshold, "threshold") ? read_threshold(value) : check(value, 1);
      } else {
        if (const auto meant = meant_name(key, body_names); !meant.empty()) refuse(std::string(key), near_miss(meant));
        damage = check(value, 1);
      }
      if (damage) return damage;
    }
    if (!has_readings) refuse("readings", "is missing");
    return simdjson::SUCCESS;
  }

  expected<analyze_request> take() {
    if (refused_rows_ != 0 && refusal_.message.empty()) {
      refusal_.message = std::to_string(refused_rows_) + " of " + std::to_string(out_.items.size()) + " readings are not valid";
    }
    if (!refusal_.message.empty()) return tl::unexpected(std::move(refusal_));
    return std::move(out_);
  }

 private:
  void refuse(std::string field, std::string_view reason) {
    if (!refusal_.message.empty()) return;
    refusal_.message = field + " " + std::string(reason);
    refusal_.field = std::move(field);
  }

  bool once(bool& seen, std::string_view name) {
    if (seen) refuse(std::string(name), "is given twice");
    return !std::exchange(seen, true);
  }

  error_code read_threshold(ondemand::value& value) {
    if (!value.get_double().get(out_.threshold)) {
      if (out_.threshold < 0) refuse("threshold", "must be 0 or more");
      return simdjson::SUCCESS;
    }
    refuse("threshold", "must be a finite number");
    return check(value, 1);
  }

  error_code read_readings(ondemand::value& value) {
    ondemand::array array;
    if (value.get_array().get(array)) {
      refuse("readings", "must be an array");
      return check(value, 1);
    }
    for (auto next : array) {
      ondemand::value element;
      if (const error_code code = std::move(next).get(element)) return code;
      if (out_.items.size() == limits::readings_per_body) return simdjson::CAPACITY;
      out_.items.emplace_back();
      out_.values.push_back(0);
      if (const error_code code = read_item(element)) return code;
    }
    return simdjson::SUCCESS;
  }

  error_code read_item(ondemand::value& element) {
    ondemand::object object;
    std::string_view field, reason;
    std::string near_key, near_reason;
    const auto refuse_item = [&](std::string_view f, std::string_view why) {
      if (reason.empty()) field = f, reason = why;
    };
    if (element.get_object().get(object)) {
      if (const error_code code = check(element, 2)) return code;
      refuse_item("", "must be an object");
    } else {
      constexpr std::string_view names[] = {"id", "value", "timestamp"};
      bool seen[] = {false, false, false};
      for (auto next : object) {
        ondemand::field member;
        std::string_view key;
        if (const error_code code = std::move(next).get(member)) return code;
        if (const error_code code = read_key(member, key)) return code;
        if (const auto meant = meant_name(key, item_names); !meant.empty() && meant != key && reason.empty()) {
          near_key = key;
          near_reason = near_miss(meant);
          refuse_item(near_key, near_reason);
        }
        const auto which = static_cast<std::size_t>(std::find(std::begin(names), std::end(names), key) - std::begin(names));
        if (which < std::size(names) && std::exchange(seen[which], true)) refuse_item(names[which], "is given twice");
        if (const error_code code = read_member(which, member.value(), refuse_item)) return code;
      }
      for (std::size_t i = 0; i < std::size(names); ++i) {
        if (!seen[i]) refuse_item(names[i], "is missing");
      }
    }
    if (!reason.empty()) refuse_row(field, reason);
    return simdjson::SUCCESS;
  }

  template <class Refuse>
  error_code read_member(std::size_t which, ondemand::value& value, Refuse refuse_item) {
    std::string_view text;
    switch (which) {
      case 0:
        if (!value.get_int64().get(out_.items.back().id)) return simdjson::SUCCESS;
        refuse_item("id", "must be an integer");
        break;
      case 1:
        text = token_of(value);
        if (!value.get_double().get(out_.values.back())) {
          if (!holds_exactly(text, out_.values.back())) {
            refuse_item("value", "is an integer that a 64-bit number with a fraction cannot hold exactly");
          }
          return simdjson::SUCCESS;
        }
        refuse_item("value", "must be a finite number");
        break;
      case 2:
        if (token_of(value).starts_with('"')) {
          const error_code code = value.get_string().get(text);
          out_.items.back().timestamp = text;
          return code;
        }
        refuse_item("timestamp", "must be text");
        break;
      default: break;
    }
    return check(value, 3);
  }

  void refuse_row(std::string_view field, std::string_view reason) {
    if (++refused_rows_ > limits::row_errors_per_answer) return;
    refusal_.rows.push_back({out_.items.size() - 1, std::string(field), std::string(reason)});
  }

  analyze_request out_;
  error refusal_;  // message empty: nothing refused so far
  std::uint64_t refused_rows_ = 0;
};

}  // namespace

expected<analyze_request> decode_analyze(std::string_view text) {
  thread_local body bytes;
  auto document = bytes.open(text);
  if (!document) return tl::unexpected(std::move(document.error()));
  ondemand::object object;
  error_code code = document->get_object().get(object);
  if (code == simdjson::INCORRECT_TYPE) return fail(errc::malformed, "the body must be an object with a member readings");
  analyze_reader reader;
  if (!code) code = reader.read(object);
  if (!code) code = body::finish(*document);
  if (code == simdjson::CAPACITY) {
    return fail(errc::too_large, "more than " + std::to_string(limits::readings_per_body) + " readings in one body");
  }
  if (code) return tl::unexpected(bytes.damage(code, *document));
  bytes.close();
  return reader.take();
}

}  // namespace factory
