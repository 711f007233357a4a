#include "storage/base/record.hpp"
#include "storage/catalog/catalog_records.hpp"

#include <algorithm>
#include <array>

namespace factory {

namespace {

constexpr std::uint8_t channel_version = 3;
constexpr std::uint8_t without_selector = 1,
                       without_groups = 2;  // end before these; of old channels each alarm is told by itself
constexpr std::array<std::string_view, 3> channel_type_texts{"webhook", "alertmanager", "email"};
constexpr unsigned enabled_bit = 1, private_bit = 2, plaintext_bit = 4, damping_bit = 8;

}  // namespace

std::string_view to_text(channel_type type) { return channel_type_texts.at(static_cast<std::size_t>(type)); }

std::optional<channel_type> parse_channel_type(std::string_view text) {
  const auto it = std::ranges::find(channel_type_texts, text);
  if (it == channel_type_texts.end()) return std::nullopt;
  return static_cast<channel_type>(it - channel_type_texts.begin());
}

std::string encode(const channel_entry& entry) {
  std::string out = begin_record(channel_version);
  put_varint(out, entry.id);
  put_text(out, entry.name);
  put_byte(out, static_cast<std::uint8_t>(entry.type));
  for (const auto* text : {&entry.url, &entry.secret, &entry.username, &entry.from}) put_text(out, *text);
  put_varint(out, entry.to.size());
  for (const auto& address : entry.to) put_text(out, address);
  put_byte(out,
           static_cast<std::uint8_t>((entry.enabled ? enabled_bit : 0U) | (entry.allow_private ? private_bit : 0U) |
                                     (entry.allow_plaintext ? plaintext_bit : 0U) | (entry.damp_chatter ? damping_bit : 0U)));
  put_zigzag(out, entry.timeout_us);
  put_zigzag(out, entry.give_up_after_us);
  put_varint(out, entry.digest_above);
  put_zigzag(out, entry.digest_every_us);
  put_zigzag(out, entry.created_at_us);
  put_byte(out, entry.sensors ? 1 : 0);
  if (entry.sensors) put_selector(out, *entry.sensors);
  put_zigzag(out, entry.group_every_us);
  return out;
}

namespace {

bool get_sensors(std::string_view& in, std::optional<selector>& sensors) {
  std::uint8_t has_some = 0;
  if (!get_byte(in, has_some) || has_some > 1) return false;
  sensors.reset();
  return has_some == 0 || get_selector(in, sensors.emplace());
}

}  // namespace

bool decode(std::string_view in, channel_entry& entry) {
  std::uint8_t version = 0, type = 0, bits = 0;
  std::uint64_t recipients = 0;
  if (!begin_record(in, channel_version, version) || !get_varint_as(in, entry.id) || !get_text(in, entry.name) ||
      !get_byte(in, type) || type >= channel_type_texts.size())
    return false;
  for (auto* text : {&entry.url, &entry.secret, &entry.username, &entry.from})
    if (!get_text(in, *text)) return false;
  if (!get_varint(in, recipients)) return false;
  entry.to.clear();
  for (; recipients > 0; --recipients)
    if (!get_text(in, entry.to.emplace_back())) return false;
  if (!get_byte(in, bits) || bits > (enabled_bit | private_bit | plaintext_bit | damping_bit)) return false;
  entry.type = static_cast<channel_type>(type);
  entry.enabled = (bits & enabled_bit) != 0;
  entry.allow_private = (bits & private_bit) != 0;
  entry.allow_plaintext = (bits & plaintext_bit) != 0;
  entry.damp_chatter = (bits & damping_bit) != 0;
  entry.group_every_us = 0;
  return get_zigzag(in, entry.timeout_us) && get_zigzag(in, entry.give_up_after_us) && get_varint_as(in, entry.digest_above) &&
         get_zigzag(in, entry.digest_every_us) && get_zigzag(in, entry.created_at_us) &&
         (version == without_selector || get_sensors(in, entry.sensors)) &&
         (version <= without_groups || get_zigzag(in, entry.group_every_us)) && in.empty();
}

}  // namespace factory
