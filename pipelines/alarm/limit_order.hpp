#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipelines/model/event.hpp"

namespace factory {

/// What an operator asks of one limit of a sensor: the one that raised `alert`.
struct limit_order {
  enum class action : std::uint8_t {
    acknowledge,
    shelve,    ///< nobody is told of its alerts until a time
    unshelve,  ///< before that time
    reset,     ///< ends its latched alert
    take_out,  ///< out of service: nobody is told until it is put back
    put_back,
  };
  action what{};
  event_key alert;              ///< of the raise of the alert that it is said of; event_time_us 0: of none
  double value = 0, limit = 0;  ///< that the alert told
  severity level{};             ///< likewise
  std::int64_t until_us = 0;    ///< of shelve
  bool once = false;            ///< of shelve: until the next alert is over, at most until that time
  std::string who, comment;
  /// Given when it takes its place among the readings.
  std::int64_t at_us = 0;    ///< in event time
  std::uint32_t number = 0;  ///< of the orders for the sensor

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged
};

/// A limit of which nobody is told, by the will of an operator.
struct shelf {
  event_source source{};
  rule_id rule = 0;
  bool out_of_service = false;  ///< without an end; else shelved
  bool once = false;
  std::int64_t since_us = 0, until_us = INT64_MAX;
  std::string who, comment;
  bool operator==(const shelf&) const = default;

  void encode(std::string& out) const;
  bool decode(std::string_view& in);
};

}  // namespace factory
