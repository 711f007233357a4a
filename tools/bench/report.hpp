#pragma once

#include <string>
#include <vector>

#include "bench/works/workloads.hpp"

namespace factory::bench {

/// One line of figures for people; table_head() explains the columns.
std::string table_head();
std::string table_line(const figures& f);

/// Median and range of the rounds of each work and server, and the ratio of ours to the peer's (above 1: ours is better).
std::string summary_table(const std::vector<figures>& runs);

/// All runs and the summary, for machines.
std::string json_report(const std::vector<figures>& runs);

}  // namespace factory::bench
