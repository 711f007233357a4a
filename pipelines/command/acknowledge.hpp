#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipelines/model/event.hpp"

namespace factory {

/// Somebody has seen an alert. The first acknowledgement of an alert stays.
struct acknowledge_alert {
  static constexpr std::uint8_t code = 1;  ///< on disk

  event_key alert;      ///< of the event that raised it
  double value = 0;     ///< that the event told, repeated by the event of the acknowledgement
  double limit = 0;     ///< likewise
  severity level{};     ///< likewise
  std::string comment;  ///< may be empty

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged
};

/// What the event log gets of it.
event acknowledgement_of(const acknowledge_alert& asked, const std::string& who, std::int64_t received_at_us);

}  // namespace factory
