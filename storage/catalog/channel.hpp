#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/alert_routing.hpp"
#include "pipelines/select/selector.hpp"

namespace factory {

enum class channel_type : std::uint8_t { webhook, alertmanager, email };
std::string_view to_text(channel_type type);  ///< "webhook" ...
std::optional<channel_type> parse_channel_type(std::string_view text);

/// Where notifications of alerts go.
struct channel_entry {
  channel_id id = 0;
  std::string name;
  channel_type type = channel_type::webhook;
  std::string url;       ///< http(s)://… of a webhook or an Alertmanager; smtp(s)://host:port of e-mail
  std::string secret;    ///< key of a webhook's signature; password of `username`
  std::string username;  ///< for HTTP's basic authentication of an Alertmanager, for the log-in of e-mail; empty: none
  std::string from;      ///< of e-mail
  std::vector<std::string> to;
  bool enabled = true;                   ///< false: nothing new is told, what is open waits
  bool allow_private = false;            ///< the receiver may have a private, loopback or link-local address
  bool allow_plaintext = false;          ///< e-mail may go without TLS
  std::int64_t timeout_us = 10'000'000;  ///< of one attempt
  std::int64_t give_up_after_us =
      86'400'000'000;               ///< a delivery that fails for longer becomes a dead letter; 0: by its first failure
  std::uint32_t digest_above = 10;  ///< new alarms of a factory in ten minutes; what comes beyond is told in digests; 0: never
  std::int64_t digest_every_us = 60'000'000;  ///< from the first alert of a digest to its sending
  bool damp_chatter = true;  ///< an alert that comes and goes all the time is told once, and again when it is quiet
  std::int64_t created_at_us = 0;
  /// Of these sensors it hears of the alerts that name nobody: of their own limits, and of rules without channels and escalation.
  std::optional<selector> sensors = {};
  /// Alarms of a machine that come within a minute of the first are told together, this long after the next one; 0: each by itself.
  std::int64_t group_every_us = 10'000'000;
  bool operator==(const channel_entry&) const = default;
};

}  // namespace factory
