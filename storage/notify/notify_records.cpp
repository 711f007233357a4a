#include "storage/notify/notify_records.hpp"

#include "storage/base/record.hpp"

namespace factory {

namespace {

constexpr char all_of_notify = 'w';
constexpr std::uint8_t notify_version = 1;
constexpr std::uint8_t told_version = 3;  // 1 has no end, 2 no groups
constexpr std::uint8_t told_without_end = 1, told_without_groups = 2;
constexpr unsigned acknowledged_bit = 1, held_back_bit = 2;

void put_event_key(std::string& out, const event_key& key) {
  put_text(out, finding_id(key));
  put_byte(out, static_cast<std::uint8_t>(key.kind));
  put_varint(out, key.revision);
}
bool get_event_key(std::string_view& in, event_key& key) {
  std::string finding;
  std::uint8_t kind = 0;
  if (!get_text(in, finding) || !parse_finding_id(finding, key) || !get_byte(in, kind) || !is_event_kind(kind) ||
      !get_varint_as(in, key.revision))
    return false;
  key.kind = static_cast<event_kind>(kind);
  return true;
}

void put_channel_ids(std::string& out, const std::vector<channel_id>& channels) {
  put_varint(out, channels.size());
  for (const auto id : channels) put_varint(out, id);
}
bool get_channel_ids(std::string_view& in, std::vector<channel_id>& channels) {
  std::uint64_t count = 0;
  if (!get_varint(in, count)) return false;
  channels.clear();
  for (; count > 0; --count)
    if (!get_varint_as(in, channels.emplace_back())) return false;
  return true;
}

void put_memberships(std::string& out, const std::vector<told_alert::membership>& groups) {
  put_varint(out, groups.size());
  for (const auto& each : groups) {
    put_varint(out, each.channel);
    put_text(out, each.opener);
  }
}
bool get_memberships(std::string_view& in, std::vector<told_alert::membership>& groups) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count > in.size()) return false;
  groups.clear();
  for (; count > 0; --count) {
    auto& each = groups.emplace_back();
    if (!get_varint_as(in, each.channel) || !get_text(in, each.opener)) return false;
  }
  return true;
}

constexpr unsigned active_bit = 1, begins_bit = 2;

void put_collected(std::string& out, const collected_notice& it) {
  for (const auto* text : {&it.notification, &it.finding, &it.kind, &it.title}) put_text(out, *text);
  put_zigzag(out, it.at_us);
  put_byte(out, static_cast<std::uint8_t>(it.level));
  put_byte(out, static_cast<std::uint8_t>((it.active ? active_bit : 0U) | (it.begins ? begins_bit : 0U)));
}
bool get_collected(std::string_view& in, collected_notice& it) {
  std::uint8_t level = 0, bits = 0;
  for (auto* text : {&it.notification, &it.finding, &it.kind, &it.title})
    if (!get_text(in, *text)) return false;
  if (!get_zigzag(in, it.at_us) || !get_byte(in, level) || !is_severity(level) || !get_byte(in, bits) ||
      bits > (active_bit | begins_bit))
    return false;
  it.level = static_cast<severity>(level);
  it.active = (bits & active_bit) != 0;
  it.begins = (bits & begins_bit) != 0;
  return true;
}

}  // namespace

std::string notify_prefix(notify_space space) { return {all_of_notify, static_cast<char>(space)}; }

std::string delivery_key(notify_space space, channel_id channel, std::uint64_t id) {
  std::string key = notify_prefix(space);
  put_key32(key, channel);
  put_key64(key, id);
  return key;
}

std::string pair_key(notify_space space, std::uint32_t first, std::uint32_t second) {
  std::string key = notify_prefix(space);
  put_key32(key, first);
  put_key32(key, second);
  return key;
}

std::string group_key(channel_id channel, std::string_view opener) {
  std::string key = notify_prefix(notify_space::group);
  put_key32(key, channel);
  return key.append(opener);
}

std::string told_key(std::string_view finding) { return notify_prefix(notify_space::told).append(finding); }

std::string encode(const delivery& it) {
  std::string out = begin_record(notify_version);
  put_varint(out, it.channel);
  put_varint(out, it.id);
  for (const auto* text : {&it.notification, &it.finding, &it.kind, &it.content}) put_text(out, *text);
  put_zigzag(out, it.begun_at_us);
  put_zigzag(out, it.due_at_us);
  put_varint(out, it.attempts);
  put_text(out, it.last_error);
  return out;
}

bool decode(std::string_view in, delivery& it) {
  if (!begin_record(in, notify_version) || !get_varint_as(in, it.channel) || !get_varint(in, it.id)) return false;
  for (auto* text : {&it.notification, &it.finding, &it.kind, &it.content})
    if (!get_text(in, *text)) return false;
  return get_zigzag(in, it.begun_at_us) && get_zigzag(in, it.due_at_us) && get_varint_as(in, it.attempts) &&
         get_text(in, it.last_error) && in.empty();
}

std::string encode(const told_alert& it) {
  std::string out = begin_record(told_version);
  put_event_key(out, it.raised);
  put_zigzag(out, it.raised_at_us);
  put_zigzag(out, it.received_at_us);
  put_varint(out, it.steps_done);
  put_byte(out, static_cast<std::uint8_t>((it.acknowledged ? acknowledged_bit : 0U) | (it.held_back ? held_back_bit : 0U)));
  put_varint(out, it.alarm_number);
  put_channel_ids(out, it.channels);
  put_zigzag(out, it.ended_at_us);
  put_memberships(out, it.groups);
  return out;
}

bool decode(std::string_view in, told_alert& it) {
  std::uint8_t version = 0, bits = 0;
  const bool good = begin_record(in, told_version, version) && get_event_key(in, it.raised) && get_zigzag(in, it.raised_at_us) &&
                    get_zigzag(in, it.received_at_us) && get_varint_as(in, it.steps_done) && get_byte(in, bits) &&
                    bits <= (acknowledged_bit | held_back_bit) && get_varint_as(in, it.alarm_number) &&
                    get_channel_ids(in, it.channels) && (version == told_without_end || get_zigzag(in, it.ended_at_us)) &&
                    (version <= told_without_groups || get_memberships(in, it.groups)) && in.empty();
  it.acknowledged = (bits & acknowledged_bit) != 0;
  it.held_back = (bits & held_back_bit) != 0;
  return good;
}

std::string encode(const alert_digest& it) {
  std::string out = begin_record(notify_version);
  put_varint(out, it.channel);
  put_varint(out, it.factory);
  put_varint(out, it.first_event);
  put_zigzag(out, it.begun_at_us);
  for (const auto count : {it.raised, it.cleared, it.others}) put_varint(out, count);
  put_byte(out, static_cast<std::uint8_t>(it.worst));
  put_varint(out, it.lines.size());
  for (const auto& line : it.lines) put_text(out, line);
  return out;
}

bool decode(std::string_view in, alert_digest& it) {
  std::uint8_t worst = 0;
  std::uint64_t lines = 0;
  if (!begin_record(in, notify_version) || !get_varint_as(in, it.channel) || !get_varint_as(in, it.factory) ||
      !get_varint(in, it.first_event) || !get_zigzag(in, it.begun_at_us) || !get_varint(in, it.raised) ||
      !get_varint(in, it.cleared) || !get_varint(in, it.others) || !get_byte(in, worst) || !is_severity(worst) ||
      !get_varint(in, lines))
    return false;
  it.worst = static_cast<severity>(worst);
  it.lines.clear();
  for (; lines > 0; --lines)
    if (!get_text(in, it.lines.emplace_back())) return false;
  return in.empty();
}

std::string encode(const notice_group& it) {
  std::string out = begin_record(notify_version);
  put_varint(out, it.channel);
  put_text(out, it.opener);
  put_varint(out, it.machine);
  put_text(out, finding_id(it.first_out));
  for (const auto time_us : {it.opened_us, it.newest_us, it.begun_at_us}) put_zigzag(out, time_us);
  put_byte(out, it.open ? 1 : 0);
  put_varint(out, it.alarms);
  put_varint(out, it.first_event);
  put_varint(out, it.collected.size());
  for (const auto& each : it.collected) put_collected(out, each);
  return out;
}

bool decode(std::string_view in, notice_group& it) {
  std::string first_out;
  std::uint64_t count = 0;
  std::uint8_t open = 0;
  if (!begin_record(in, notify_version) || !get_varint_as(in, it.channel) || !get_text(in, it.opener) ||
      !get_varint_as(in, it.machine) || !get_text(in, first_out) || !parse_finding_id(first_out, it.first_out) ||
      !get_zigzag(in, it.opened_us) || !get_zigzag(in, it.newest_us) || !get_zigzag(in, it.begun_at_us) || !get_byte(in, open) ||
      open > 1 || !get_varint(in, it.alarms) || !get_varint(in, it.first_event) || !get_varint(in, count) || count > in.size())
    return false;
  it.open = open == 1;
  it.collected.clear();
  for (; count > 0; --count)
    if (!get_collected(in, it.collected.emplace_back())) return false;
  return in.empty();
}

std::string encode(const chatter& it) {
  std::string out = begin_record(notify_version);
  put_event_key(out, it.newest);
  put_zigzag(out, it.newest_us);
  put_varint(out, it.held_back);
  put_channel_ids(out, it.channels);
  return out;
}

bool decode(std::string_view in, chatter& it) {
  return begin_record(in, notify_version) && get_event_key(in, it.newest) && get_zigzag(in, it.newest_us) &&
         get_varint(in, it.held_back) && get_channel_ids(in, it.channels) && in.empty();
}

std::string encode(const notify_position& it) {
  std::string out = begin_record(notify_version);
  put_varint(out, it.cursor);
  put_varint(out, it.next_id);
  return out;
}

bool decode(std::string_view in, notify_position& it) {
  return begin_record(in, notify_version) && get_varint(in, it.cursor) && get_varint(in, it.next_id) && in.empty();
}

}  // namespace factory
