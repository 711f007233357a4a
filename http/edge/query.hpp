#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/edge/message.hpp"
#include "pipelines/model/labels.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// `invalid` when the query has a parameter that is not in `known`, or one twice: a typo must not silently change an answer. Only `label`
/// may be there several times.
expected<void> check_query(const http_request& request, const std::vector<std::string_view>& known);

/// Reads query parameters by type. An absent parameter gives nullopt. A wrong value gives nullopt too, and the first such fault is
/// kept: read all parameters, then check fault() before using any.
class query_reader {
 public:
  explicit query_reader(const http_request& request) : request_(request) {}

  std::optional<std::string_view> text(std::string_view name);
  /// Plain decimal digits within [min, max].
  std::optional<std::uint64_t> integer(std::string_view name, std::uint64_t min, std::uint64_t max);
  std::optional<std::uint32_t> id(std::string_view name);
  /// Finite, within [min, max].
  std::optional<double> number(std::string_view name, double min, double max);
  std::optional<bool> boolean(std::string_view name);  ///< "true" or "false"
  /// An integer in milliseconds, or RFC 3339 text; in microseconds. A space for the `+` of an offset is understood. A time outside of the
  /// years 1678 to 2261 is their end: there are no readings beyond.
  std::optional<std::int64_t> time_us(std::string_view name);
  std::optional<std::int64_t> duration_us(std::string_view name);
  /// One of the given words, by its index.
  std::optional<std::size_t> word(std::string_view name, const std::vector<std::string_view>& words);
  /// All values of `label`, each such as line:3; empty when there is none.
  label_set labels();
  /// `include=bad,excluded`: the flags of readings that take no part in the answer, left_out_flags without the ones named.
  std::uint8_t left_out();
  /// Comma-separated parts; never an empty list.
  std::optional<std::vector<std::string_view>> list(std::string_view name);

  void fail_at(std::string_view name, std::string_view what_it_must_be);
  const std::optional<error>& fault() const { return fault_; }

 private:
  const http_request& request_;
  std::optional<error> fault_;
};

}  // namespace factory
