#include "storage/base/limits.hpp"
#include "storage/catalog/catalog_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace factory {

namespace {

bool has_scheme(std::string_view url, channel_type type) {
  const bool mail = type == channel_type::email;
  for (const std::string_view scheme : {mail ? "smtp://" : "http://", mail ? "smtps://" : "https://"})
    if (url.starts_with(scheme)) return url.size() > scheme.size() && url[scheme.size()] != '/';
  return false;
}

std::optional<problem> check_url(const channel_entry& entry) {
  if (!has_scheme(entry.url, entry.type))
    return problem{
        errc::invalid, "url",
        entry.type == channel_type::email ? "must be smtp://host:port or smtps://host:port" : "must be http://… or https://…"};
  if (entry.url.size() > limits::channel_url_bytes)
    return problem{errc::invalid, "url", fmt::format("is longer than {} bytes", limits::channel_url_bytes)};
  const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (!std::ranges::all_of(entry.url, printable))
    return problem{errc::invalid, "url", "may hold printable ASCII alone; write %20 for a blank"};
  const auto authority = std::string_view(entry.url).substr(entry.url.find("//") + 2);
  if (authority.substr(0, authority.find('/')).find('@') != std::string_view::npos)
    return problem{errc::invalid, "url", "must not hold a name and password; use username and secret"};
  return {};
}

/// One address as SMTP takes it: no display name, nothing that could begin another line or address.
std::optional<problem> check_address(std::string_view address, const char* field) {
  if (auto bad = check_text(address, field)) return bad;
  const auto at = address.find('@');
  const bool plain = address.find_first_of(" <>,;:\"\\") == std::string_view::npos;
  if (at != std::string_view::npos && at > 0 && at + 1 < address.size() && plain) return {};
  return problem{errc::invalid, field, fmt::format("'{}' is no address such as shift@example.com", address)};
}

std::optional<problem> check_mail(const channel_entry& entry) {
  if (entry.type != channel_type::email) {
    if (entry.from.empty() && entry.to.empty()) return {};
    return problem{errc::invalid, entry.from.empty() ? "to" : "from", "is for channels of type email alone"};
  }
  if (auto bad = check_address(entry.from, "from")) return bad;
  if (entry.to.empty() || entry.to.size() > limits::channel_recipients)
    return problem{errc::invalid, "to", fmt::format("must be 1 to {} addresses", limits::channel_recipients)};
  for (const auto& address : entry.to)
    if (auto bad = check_address(address, "to")) return bad;
  return {};
}

std::optional<problem> check_channels(const catalog_tables& tables, const std::vector<channel_id>& channels, const char* field) {
  if (channels.size() > limits::channels_per_rule)
    return problem{errc::invalid, field, fmt::format("must be at most {} channels", limits::channels_per_rule)};
  for (const auto id : channels) {
    if (tables.of<channel_entry>().find(id) == nullptr)
      return problem{errc::invalid, field, fmt::format("there is no channel {}", id)};
    if (std::ranges::count(channels, id) > 1) return problem{errc::invalid, field, fmt::format("names channel {} twice", id)};
  }
  return {};
}

}  // namespace

std::optional<problem> check_members(const catalog_tables& tables, const channel_entry& entry) {
  if (auto bad = check_name(entry.name)) return bad;
  if (auto bad = check_url(entry)) return bad;
  if (auto bad = check_text(entry.secret, "secret")) return bad;
  if (auto bad = check_text(entry.username, "username")) return bad;
  if (auto bad = check_mail(entry)) return bad;
  if (entry.timeout_us < 1'000 || entry.timeout_us > limits::channel_timeout_ms * 1'000)
    return problem{errc::invalid, "timeout_ms", fmt::format("must be from 1 to {}", limits::channel_timeout_ms)};
  if (entry.give_up_after_us < 0 || entry.give_up_after_us > limits::give_up_after_ms * 1'000)
    return problem{errc::invalid, "give_up_after_ms", fmt::format("must be from 0 to {}", limits::give_up_after_ms)};
  if (entry.digest_above > limits::digest_above)
    return problem{errc::invalid, "digest_above", fmt::format("must be from 0 to {}", limits::digest_above)};
  if (entry.digest_every_us < 1'000 || entry.digest_every_us > limits::alarm_delay_ms * 1'000)
    return problem{errc::invalid, "digest_every_ms", fmt::format("must be from 1 to {}", limits::alarm_delay_ms)};
  if (entry.group_every_us < 0 || entry.group_every_us > limits::alarm_delay_ms * 1'000)
    return problem{errc::invalid, "group_every_ms", fmt::format("must be from 0 to {}", limits::alarm_delay_ms)};
  const channel_entry* const stored = tables.of<channel_entry>().find(entry.id);
  if (!entry.sensors || (stored != nullptr && stored->sensors == entry.sensors)) return {};
  return check_selector(tables, *entry.sensors);
}

std::optional<problem> check_routing(const catalog_tables& tables, const alert_routing& routing) {
  if (auto bad = check_channels(tables, routing.channels, "channels")) return bad;
  if (routing.escalation.size() > limits::escalation_steps)
    return problem{errc::invalid, "escalation", fmt::format("must be at most {} steps", limits::escalation_steps)};
  std::int64_t before = 0;
  for (const auto& step : routing.escalation) {
    if (step.after_us <= before || step.after_us > limits::alarm_delay_ms * 1'000)
      return problem{errc::invalid, "escalation",
                     fmt::format("after_ms must rise from step to step, from 1 to {}", limits::alarm_delay_ms)};
    before = step.after_us;
    if (step.channels.empty()) return problem{errc::invalid, "escalation", "each step must name a channel"};
    if (step.level < severity::rule_info)
      return problem{errc::invalid, "escalation", "severity must be INFO, WARNING or CRITICAL"};
    if (auto bad = check_channels(tables, step.channels, "escalation")) return bad;
  }
  return {};
}

}  // namespace factory
