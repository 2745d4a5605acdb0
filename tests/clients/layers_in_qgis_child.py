"""Opens layers in QGIS and says what it makes of them; run by the Python that QGIS was installed for."""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import QgsApplication, QgsPointXY, QgsRasterLayer, QgsVectorLayer


def raster(address, point):
    layer = QgsRasterLayer(f"/vsicurl/{address}", "layer", "gdal")
    if not layer.isValid():
        return None
    value, known = layer.dataProvider().sample(QgsPointXY(*point), 1)
    legend = {label: color.name() for label, color in layer.legendSymbologyItems()}
    told = {"crs": layer.crs().authid(), "size": [layer.height(), layer.width()], "value": value if known else None}
    return told | {"renderer": layer.renderer().type(), "legend": legend}


def vector(address, _):
    layer = QgsVectorLayer(f"/vsicurl/{address}", "layer", "ogr")
    if not layer.isValid():
        return None
    box = layer.extent()
    fields = {field.name() for field in layer.fields()}
    extent = [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]
    return {"crs": layer.crs().authid(), "count": layer.featureCount(), "extent": extent, "fields": sorted(fields)}


def main():
    application = QgsApplication([], False)
    application.initQgis()
    kinds = {"raster": raster, "vector": vector}
    print(json.dumps([kinds[kind](*rest) for kind, *rest in json.load(sys.stdin)]))
    application.exitQgis()


main()
