#include "storage/journal/journal_record.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "pipelines/model/coding.hpp"
#include "storage/journal/journal_readings.hpp"

namespace factory {
namespace {

/// Version 1 has no packed readings, version 2 no commands, ticks and sources, version 3 no configs that share rules, version 4 no
/// readings with flags, version 5 no configs that say how readings are judged, version 6 no commands of the judge of the past (hand_over).
constexpr std::uint8_t record_version = 7;
constexpr std::size_t entry_head_bytes = 4 + 8;  // size, checksum
enum class kind : std::uint8_t {
  plain_readings = 1,
  plain_config = 2,
  packed_readings = 3,
  command = 4,
  tick = 5,
  config = 6,
  flagged_readings = 7,
  ruled_config = 8
};
constexpr std::uint8_t with_source = 0x80;  // beside the kind: a source position follows on the time

std::uint64_t checksum_of(std::string_view bytes, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

tl::unexpected<error> damaged(std::uint64_t sequence, const char* what) {
  return fail(errc::corrupt,
              "the journal is damaged at entry " + std::to_string(sequence) + ": " + what + "; restore the newest snapshot");
}

void put_limit(std::string& out, const std::optional<double>& limit) {
  put_byte(out, limit ? 1 : 0);
  if (limit) put_double(out, *limit);
}
bool get_limit(std::string_view& in, std::optional<double>& limit) {
  std::uint8_t there = 0;
  if (!get_byte(in, there)) return false;
  if (there == 0) return true;
  return get_double(in, limit.emplace());
}

/// The rules of all configs, each once.
class rule_list {
 public:
  explicit rule_list(const config_change& change) {
    for (const sensor_config& config : change.configs)
      for (const shared_rule& rule : config.rules)
        if (places_.emplace(&*rule, rules_.size()).second) rules_.push_back(&*rule);
  }
  std::size_t place_of(const shared_rule& rule) const { return places_.at(&*rule); }
  const std::vector<const alert_rule*>& rules() const { return rules_; }

 private:
  std::unordered_map<const alert_rule*, std::size_t> places_;
  std::vector<const alert_rule*> rules_;
};

/// Sensors whose machines are not in operation; left out when there are none, as in configs from before there were any.
void put_suppressed(std::string& out, const config_change& change) {
  const auto count =
      std::count_if(change.configs.begin(), change.configs.end(), [](const auto& each) { return each.suppressed; });
  if (count == 0) return;
  put_varint(out, static_cast<std::uint64_t>(count));
  for (const sensor_config& config : change.configs)
    if (config.suppressed) put_varint(out, config.sensor);
}

/// Reads them to the end of the entry; in the order of the configs.
bool get_suppressed(std::string_view& in, config_change& change) {
  std::uint64_t count = 0;
  if (in.empty()) return true;
  if (!get_varint(in, count)) return false;
  auto config = change.configs.begin();
  for (sensor_id sensor = 0; count > 0; --count, ++config) {
    if (!get_varint_as(in, sensor)) return false;
    config = std::find_if(config, change.configs.end(), [sensor](const auto& each) { return each.sensor == sensor; });
    if (config == change.configs.end()) return false;
    config->suppressed = true;
  }
  return true;
}

void put_config(std::string& out, const config_change& change) {
  const rule_list list(change);
  put_varint(out, list.rules().size());
  for (const alert_rule* const rule : list.rules()) put_rule(out, *rule);
  put_varint(out, change.configs.size());
  for (const sensor_config& config : change.configs) {
    put_varint(out, config.sensor);
    put_limit(out, config.thresholds.min);
    put_limit(out, config.thresholds.max);
    put_varint(out, config.rules.size());
    for (const shared_rule& rule : config.rules) put_varint(out, list.place_of(rule));
  }
  put_varint(out, change.removed.size());
  for (const sensor_id sensor : change.removed) put_varint(out, sensor);
  put_suppressed(out, change);
}

/// How readings are judged: rules of streams, each once, and of each config which of them is its own.
void put_judging(std::string& out, const config_change& change) {
  std::vector<const stream_rules*> all;
  std::unordered_map<std::string, std::size_t> places;  // by their bytes
  std::vector<std::size_t> of_configs;
  std::string bytes;
  const stream_rules* before = nullptr;
  for (const sensor_config& config : change.configs) {
    if (!config.stream || (before != nullptr && &**config.stream == before)) {
      of_configs.push_back(config.stream ? of_configs.back() : 0);
      continue;
    }
    before = &**config.stream;
    bytes.clear();
    put_stream_rules(bytes, **config.stream);
    const auto [at, fresh] = places.emplace(bytes, all.size());
    if (fresh) all.push_back(&**config.stream);
    of_configs.push_back(at->second + 1);
  }
  put_varint(out, all.size());
  for (const auto* const rules : all) put_stream_rules(out, *rules);
  put_varint(out, of_configs.size());
  for (const auto place : of_configs) put_varint(out, place);
  put_varint(out, change.machines.size());
  for (const machine_config& each : change.machines) {
    put_varint(out, each.machine);
    put_double(out, each.sensitivity);
  }
}

struct judging {
  std::vector<std::optional<shared_stream_rules>> of_configs;
  std::vector<machine_config> machines;
};
bool get_judging(std::string_view& in, judging& out) {
  std::uint64_t count = 0, place = 0;
  std::vector<std::optional<shared_stream_rules>> all(1);
  if (!get_varint(in, count) || count > in.size()) return false;
  for (; count > 0; --count)
    if (!get_stream_rules(in, all.emplace_back())) return false;
  if (!get_varint(in, count) || count > in.size()) return false;
  for (; count > 0; --count) {
    if (!get_varint(in, place) || place >= all.size()) return false;
    out.of_configs.push_back(all[place]);
  }
  if (!get_varint(in, count) || count > in.size()) return false;
  out.machines.resize(count);
  for (machine_config& each : out.machines)
    if (!get_varint_as(in, each.machine) || !get_double(in, each.sensitivity) || !(each.sensitivity > 0)) return false;
  return true;
}

/// Reads the rules of one config.
using rules_reader = std::function<bool(std::string_view& in, std::vector<shared_rule>& rules)>;

std::shared_ptr<const config_change> get_configs(std::string_view& in, const rules_reader& read_rules) {
  auto change = std::make_shared<config_change>();
  std::uint64_t configs = 0, removed = 0;
  if (!get_varint(in, configs) || configs > in.size()) return nullptr;
  for (std::uint64_t i = 0; i < configs; ++i) {
    sensor_config& config = change->configs.emplace_back();
    if (!get_varint_as(in, config.sensor) || !get_limit(in, config.thresholds.min) || !get_limit(in, config.thresholds.max) ||
        !read_rules(in, config.rules))
      return nullptr;
  }
  if (!get_varint(in, removed) || removed > in.size()) return nullptr;
  change->removed.resize(removed);
  for (sensor_id& sensor : change->removed)
    if (!get_varint_as(in, sensor)) return nullptr;
  return get_suppressed(in, *change) ? change : nullptr;
}

bool get_own_rules(std::string_view& in, std::vector<shared_rule>& rules) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count > in.size()) return false;
  for (; count > 0; --count) {
    alert_rule rule;
    if (!get_rule(in, rule)) return false;
    rules.push_back(rule.sensor == 0 ? shared_rule::of_template(std::move(rule)) : shared_rule(std::move(rule)));
  }
  return true;
}

/// Of versions 1 to 3: each config has its rules in it.
std::shared_ptr<const config_change> get_plain_config(std::string_view& in) { return get_configs(in, get_own_rules); }

std::shared_ptr<const config_change> get_config(std::string_view& in) {
  std::vector<shared_rule> all;
  if (!get_own_rules(in, all)) return nullptr;
  return get_configs(in, [&](std::string_view& rest, std::vector<shared_rule>& rules) {
    std::uint64_t count = 0, place = 0;
    if (!get_varint(rest, count) || count > rest.size()) return false;
    for (; count > 0; --count) {
      if (!get_varint(rest, place) || place >= all.size()) return false;
      rules.push_back(all[place]);
    }
    return true;
  });
}

std::shared_ptr<const config_change> get_ruled_config(std::string_view& in) {
  judging rules;
  if (!get_judging(in, rules)) return nullptr;
  const auto read = get_config(in);
  if (!read || read->configs.size() != rules.of_configs.size()) return nullptr;
  auto change = std::make_shared<config_change>(*read);
  for (std::size_t i = 0; i < change->configs.size(); ++i) change->configs[i].stream = rules.of_configs[i];
  change->machines = std::move(rules.machines);
  return change;
}

kind kind_of(const journal_entry& entry) {
  if (entry.readings) return entry.readings->flags.empty() ? kind::packed_readings : kind::flagged_readings;
  if (entry.config) return kind::ruled_config;
  return entry.command ? kind::command : kind::tick;
}

std::shared_ptr<const operator_command> get_command(std::string_view& in) {
  auto command = std::make_shared<operator_command>();
  return get_command(in, *command) ? command : nullptr;
}

void put_source(std::string& out, const source_position& at) {
  put_text(out, at.source);
  put_varint(out, at.partition);
  put_zigzag(out, at.offset);
}
std::shared_ptr<const source_position> get_source(std::string_view& in) {
  auto at = std::make_shared<source_position>();
  return get_text(in, at->source) && get_varint_as(in, at->partition) && get_zigzag(in, at->offset) ? at : nullptr;
}

struct entry_start {
  kind what{};
  std::int64_t received_at_us = 0;
  std::shared_ptr<const source_position> source;
};

/// What all kinds begin with.
std::optional<entry_start> get_start(std::string_view& in) {
  std::uint8_t what = 0;
  entry_start start;
  if (!get_byte(in, what) || !get_zigzag(in, start.received_at_us)) return std::nullopt;
  start.what = static_cast<kind>(what & ~with_source);
  if ((what & with_source) == 0) return start;
  start.source = get_source(in);
  return start.source ? std::optional(start) : std::nullopt;
}

bool decode(std::string_view in, journal_entry& entry) {
  const auto start = get_start(in);
  if (!start) return false;
  entry.received_at_us = start->received_at_us;
  entry.source = start->source;
  switch (start->what) {
    case kind::plain_readings: entry.readings = get_plain_readings(in); break;
    case kind::packed_readings: entry.readings = get_packed_readings(in); break;
    case kind::flagged_readings: entry.readings = get_flagged_readings(in); break;
    case kind::plain_config: entry.config = get_plain_config(in); break;
    case kind::config: entry.config = get_config(in); break;
    case kind::ruled_config: entry.config = get_ruled_config(in); break;
    case kind::command: entry.command = get_command(in); break;
    case kind::tick: entry.tick = true; break;
  }
  return in.empty() && (entry.readings || entry.config || entry.command || entry.tick);
}

/// Of an entry that is not yet checked against its checksum, so at most what fits its bytes.
std::uint64_t rows_of(std::string_view body) {
  const std::size_t size = body.size();
  const auto start = get_start(body);
  if (!start ||
      (start->what != kind::plain_readings && start->what != kind::packed_readings && start->what != kind::flagged_readings))
    return 0;
  std::uint64_t slices = 0, rows = 0;
  return get_varint(body, slices) && get_varint(body, rows) ? std::min<std::uint64_t>(rows, size) : 0;
}

struct open_head {
  std::string_view entries;  // size and checksum of each
  std::string_view bodies;
  std::uint64_t count = 0;
};

expected<open_head> read_head(std::uint64_t first_sequence, std::string_view record) {
  std::string_view in = record;
  std::uint8_t version = 0;
  std::uint32_t count = 0;
  std::uint64_t stored = 0;
  if (!get_byte(in, version) || !get_fixed32(in, count) || in.size() / entry_head_bytes < count)
    return damaged(first_sequence, "its record is cut short");
  const std::string_view entries = in.substr(0, count * entry_head_bytes);
  in.remove_prefix(entries.size());
  const std::string_view covered = record.substr(0, record.size() - in.size());
  if (!get_fixed64(in, stored)) return damaged(first_sequence, "its record is cut short");
  if (stored != checksum_of(covered, first_sequence)) return damaged(first_sequence, "the checksum of its record does not match");
  if (version == 0 || version > record_version || count == 0)
    return damaged(first_sequence, "its record has a version that this program does not know");
  return open_head{entries, in, count};
}

}  // namespace

encoded_entry encode(const journal_entry& entry) {
  encoded_entry out;
  put_byte(out.bytes, static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind_of(entry)) | (entry.source ? with_source : 0U)));
  put_zigzag(out.bytes, entry.received_at_us);
  if (entry.source) put_source(out.bytes, *entry.source);
  if (entry.readings)
    entry.readings->flags.empty() ? put_packed_readings(out.bytes, *entry.readings)
                                  : put_flagged_readings(out.bytes, *entry.readings);
  if (entry.config) {
    put_judging(out.bytes, *entry.config);
    put_config(out.bytes, *entry.config);
  }
  if (entry.command) put_command(out.bytes, *entry.command);
  out.checksum = checksum_of(out.bytes);
  return out;
}

expected<journal_entry> decode_entry(std::uint64_t sequence, std::string_view bytes) {
  journal_entry entry;
  entry.sequence = sequence;
  if (!decode(bytes, entry)) return damaged(sequence, "it cannot be decoded");
  return entry;
}

void record_head::add(const encoded_entry& entry) {
  put_fixed32(entries_, static_cast<std::uint32_t>(entry.bytes.size()));
  put_fixed64(entries_, entry.checksum);
}

void record_head::finish(std::uint64_t first_sequence, std::string& out) const {
  const std::size_t begin = out.size();
  put_byte(out, record_version);
  put_fixed32(out, static_cast<std::uint32_t>(entries_.size() / entry_head_bytes));
  out += entries_;
  put_fixed64(out, checksum_of(std::string_view(out).substr(begin), first_sequence));
}

expected<std::uint64_t> count_entries(std::uint64_t first_sequence, std::string_view record) {
  return read_head(first_sequence, record).map([](const open_head& head) { return head.count; });
}

std::uint64_t record_weight(std::uint64_t record_bytes, std::uint64_t rows) {
  return std::max(record_bytes, rows * plain_row_bytes);
}

std::uint64_t stored_record_weight(std::uint64_t first_sequence, std::string_view record) {
  auto head = read_head(first_sequence, record);
  std::uint64_t rows = 0;
  std::uint32_t size = 0;
  std::uint64_t checksum = 0;
  while (head && get_fixed32(head->entries, size) && get_fixed64(head->entries, checksum)) {
    rows += rows_of(head->bodies.substr(0, size));
    head->bodies.remove_prefix(std::min<std::size_t>(size, head->bodies.size()));
  }
  return record_weight(record.size(), rows);
}

expected<void> visit_entries(std::uint64_t first_sequence, std::string_view record, std::uint64_t from, std::uint64_t to,
                             const journal::observer& visit) {
  auto head = read_head(first_sequence, record);
  if (!head) return tl::unexpected(head.error());
  for (std::uint64_t sequence = first_sequence; sequence < first_sequence + head->count && sequence <= to; ++sequence) {
    std::uint32_t size = 0;
    std::uint64_t checksum = 0;
    if (!get_fixed32(head->entries, size) || !get_fixed64(head->entries, checksum) || size > head->bodies.size())
      return damaged(sequence, "it is cut short");
    const std::string_view body = head->bodies.substr(0, size);
    head->bodies.remove_prefix(size);
    if (sequence < from) continue;
    if (checksum_of(body) != checksum) return damaged(sequence, "its checksum does not match");
    const auto entry = decode_entry(sequence, body);
    if (!entry) return tl::unexpected(entry.error());
    visit(*entry);
  }
  return {};
}

}  // namespace factory
