"""The folder that users edit: one Pydantic file per schema, named like its class (`ad_buy.py`: `AdBuy`).

Field descriptions are what the model reads; types say how the text is parsed; hints are in `schemas.hints`.
"""
