#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "pipelines/model/reading.hpp"

/// The readings of a journal entry as bytes, bit for bit.
namespace factory {

/// Without flags.
void put_packed_readings(std::string& out, const reading_batch& batch);
/// With one of each row, behind all slices. REQUIRES: the batch has flags.
void put_flagged_readings(std::string& out, const reading_batch& batch);

/// Nullptr when the bytes are no such readings.
std::shared_ptr<const reading_batch> get_packed_readings(std::string_view& in);
std::shared_ptr<const reading_batch> get_flagged_readings(std::string_view& in);
/// As records of version 1 have them.
std::shared_ptr<const reading_batch> get_plain_readings(std::string_view& in);

}  // namespace factory
