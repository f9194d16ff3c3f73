"""Prints template.yaml as plain CloudFormation JSON: what AWS makes of the SAM transform, without AWS."""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """Our roles are written out, so the transform asks for none; AWS's list of them is out of reach here."""

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        # What `aws cloudformation package` puts in place of a local path.
        resource["Properties"]["CodeUri"] = {"Bucket": "artifacts", "Key": "lambda.zip"}
json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=1)
