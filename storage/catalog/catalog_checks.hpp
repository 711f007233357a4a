#pragma once

#include "storage/catalog/catalog_tables.hpp"

#include <optional>
#include <string>

/// For this room only: the rules that an entry must keep.
namespace factory {

struct problem {
  errc code = errc::invalid;
  std::string field;
  std::string reason;
};

/// The first fault in the entry's members and its parent. Does not look up names.
std::optional<problem> check_members(const catalog_tables& tables, const factory_entry& entry);
std::optional<problem> check_members(const catalog_tables& tables, const machine_entry& entry);
std::optional<problem> check_members(const catalog_tables& tables, const sensor_entry& entry);
std::optional<problem> check_members(const catalog_tables& tables, const alert_rule& entry);
std::optional<problem> check_members(const catalog_tables& tables, const channel_entry& entry);  ///< channel_checks.cpp
/// Who is told: channels that exist, steps by rising delay.
std::optional<problem> check_routing(const catalog_tables& tables, const alert_routing& routing);

/// Catches slips: what it names exists. Later such a thing may go.
std::optional<problem> check_selector(const catalog_tables& tables, const selector& which);

std::optional<problem> check_name(std::string_view name);
/// A text of at most limits::name_bytes without control characters.
std::optional<problem> check_text(std::string_view text, const char* field);

/// Whether so many templates may come to those that there are.
std::optional<problem> check_template_count(const catalog_tables& tables, std::size_t more);

/// Takes blanks off the ends of a name, so that nobody has two that look the same.
void trim_name(std::string& name);

/// "Factory", "Machine", "Sensor", "Rule", "Channel".
std::string_view title_of(record_kind kind);

/// True when another entry has the name. Rules never conflict.
template <class Entry>
problem name_taken(const Entry& entry) {
  const std::string within = kind_of_entry<Entry> == record_kind::machine  ? " in this factory"
                             : kind_of_entry<Entry> == record_kind::sensor ? " on this machine"
                                                                           : "";
  return {errc::conflict, "name", std::string(title_of(kind_of_entry<Entry>)) + " '" + entry.name + "' already exists" + within};
}

}  // namespace factory
