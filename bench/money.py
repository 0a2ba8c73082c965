"""What it costs on AWS, from measured units and a dated table of list prices."""

import json
from pathlib import Path
from typing import Any

PRICES: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())


def per_million(cpu_ms: float, reads: float, transactions: float, read_units: float, write_units: float) -> float:
    """Dollars for a million requests that each take so much.

    A request lasts as long as its processor time on the function's share of a processor, and the waits for DynamoDB.
    """
    prices, assumed = PRICES["per_million"], PRICES["assumed"]
    processors = PRICES["lambda_memory_gb"] * 1024 / PRICES["lambda_mb_per_processor"]
    milliseconds = cpu_ms / min(processors, 1)
    milliseconds += reads * assumed["dynamodb_milliseconds_per_read_request"]
    milliseconds += transactions * assumed["dynamodb_milliseconds_per_transaction"]
    lambda_seconds: float = milliseconds * 1000 * PRICES["lambda_memory_gb"] * PRICES["lambda_gb_second"]
    requests: float = prices["api_gateway_rest_requests"] + prices["lambda_requests"]
    dynamodb: float = read_units * prices["dynamodb_read_request_units"]
    dynamodb += write_units * prices["dynamodb_write_request_units"]
    return requests + lambda_seconds + dynamodb
